import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";

const module = pathToFileURL(join(import.meta.dirname, "../../scripts/build-lock.mjs")).href;
let folder: string;
let lock: string;
let log: string;
const children: ChildProcess[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tsumugi-lock-"));
  lock = join(folder, "lock");
  log = join(folder, "log");
  writeFileSync(log, "");
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
  rmSync(folder, { recursive: true });
});

/** A process that takes the lock, says so, and does `held`. */
function holder(held: string): ChildProcess {
  const script = `
    import { appendFileSync } from "node:fs";
    import { setTimeout as sleep } from "node:timers/promises";
    import { takeLock } from ${JSON.stringify(module)};
    const lock = await takeLock(${JSON.stringify(lock)}, { onWait: () => console.log("waits") });
    const note = (text) => appendFileSync(${JSON.stringify(log)}, text);
    console.log("holds");
    ${held}`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script], { stdio: ["ignore", "pipe", "inherit"] });
  children.push(child);
  return child;
}

async function says(child: ChildProcess, word: string): Promise<void> {
  for await (const text of child.stdout!.iterator({ destroyOnReturn: false })) if (String(text).includes(word)) return;
  throw new Error(`it ended without saying "${word}"`);
}

test("one build at a time", async () => {
  const work = 'note("("); await sleep(30); note(")"); lock.release();';
  await Promise.all(Array.from({ length: 5 }, () => once(holder(work), "close")));
  expect(readFileSync(log, "utf8")).toBe("()()()()()");
  expect(readdirSync(folder)).toEqual(["log"]);
});

test("a build that was killed leaves no lock behind", async () => {
  const first = holder("await sleep(1e6);");
  await says(first, "holds");
  const second = holder('note("second"); lock.release();');
  await says(second, "waits");
  expect(readFileSync(log, "utf8")).toBe("");
  first.kill("SIGKILL");
  await once(second, "close");
  expect(readFileSync(log, "utf8")).toBe("second");
});

test("the compiler of a build that was killed is waited for", async () => {
  const compiler = spawn(process.execPath, ["-e", "setTimeout(() => {}, 1e6)"]);
  children.push(compiler);
  const first = holder(`lock.add(${compiler.pid}); console.log("told"); await sleep(1e6);`);
  await says(first, "told");
  first.kill("SIGKILL");
  await once(first, "close");
  const second = holder('note("second"); lock.release();');
  await says(second, "waits");
  expect(readFileSync(log, "utf8")).toBe("");
  compiler.kill("SIGKILL");
  await once(second, "close");
  expect(readFileSync(log, "utf8")).toBe("second");
});

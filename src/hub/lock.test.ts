import { mkdtempSync, readdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { withLock } from "./lock.ts";
import { hubContext } from "./options.ts";

const folder = mkdtempSync(join(tmpdir(), "tsumugi-lock-"));
const context = await hubContext("org/tiny", {});
let number = 0;
const newPath = () => join(folder, `${number++}.lock`);
const longAgo = new Date(Date.now() - 60_000);
const gone = { pid: 2 ** 22 + 1, host: hostname(), id: "gone" };

describe("withLock", () => {
  it("lets one work at a time and leaves nothing behind", async () => {
    const path = newPath();
    let working = 0;
    const most: number[] = [];
    const work = async () => {
      most.push(++working);
      await new Promise((resolve) => setTimeout(resolve, 20));
      working--;
    };
    await Promise.all([1, 2, 3, 4].map(() => withLock(context, path, work)));
    expect(most).toEqual([1, 1, 1, 1]);
    expect(readdirSync(folder)).toEqual([]);
  });

  it("frees the lock after a failure", async () => {
    const path = newPath();
    await expect(withLock(context, path, () => Promise.reject(new Error("no")))).rejects.toThrow("no");
    expect(await withLock(context, path, async () => "yes")).toBe("yes");
  });

  it("takes the lock over from a process that is gone", async () => {
    const path = newPath();
    writeFileSync(path, JSON.stringify(gone));
    utimesSync(path, longAgo, longAgo);
    const start = performance.now();
    const winners = await Promise.all([1, 2, 3].map((each) => withLock(context, path, async () => each)));
    expect(winners).toEqual([1, 2, 3]);
    expect(performance.now() - start).toBeLessThan(2000);
  });

  it.each([
    ["another machine", JSON.stringify({ ...gone, host: "elsewhere" })],
    ["nobody knows", ""],
    ["a process number that is used again", JSON.stringify({ ...gone, pid: process.pid })],
  ])("is taken over from %s only after its heartbeat stopped", async (_, content) => {
    const path = newPath();
    writeFileSync(path, content);
    utimesSync(path, longAgo, longAgo);
    const start = performance.now();
    await withLock(context, path, async () => {}, undefined, 300);
    expect(performance.now() - start).toBeGreaterThan(300);
  });

  it("leaves the lock to its owner while the heartbeat goes on", async () => {
    const path = newPath();
    writeFileSync(path, JSON.stringify({ ...gone, host: "elsewhere" }));
    const beat = setInterval(() => utimesSync(path, new Date(), new Date()), 50);
    const stop = AbortSignal.timeout(900);
    await expect(withLock(context, path, async () => {}, stop, 300)).rejects.toMatchObject({ code: "aborted" });
    clearInterval(beat);
    expect(JSON.parse(readFileSync(path, "utf8")).id).toBe("gone");
  });
});

/**
 * Mutated files, templates and calls against the built package. Each case ends with an answer or a coded error: no crash, no
 * error without a code, no hang over 5 s of processor time, no more than 1.5 GB.
 *
 *   node test/fuzz/run.mjs [--cases 20000] [--seed 1] [--target templates] [--processes 2]
 *   node test/fuzz/run.mjs --target models --only 123456        one case, by the number that a failure prints
 *
 * Prints what was found per target and ends with 1 if any case failed.
 */
import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { targets } from "./targets/index.mjs";

const limits = { seconds: 5, wallSeconds: 40, megabytes: 1500 };

const { values } = parseArgs({
  options: {
    cases: { type: "string", default: "20000" },
    seed: { type: "string", default: "1" },
    target: { type: "string" },
    only: { type: "string" },
    processes: { type: "string", default: "2" },
  },
});

const names = values.target ? [values.target] : Object.keys(targets);
for (const name of names) if (!targets[name]) throw new Error(`no target ${name}: ${Object.keys(targets).join(", ")}`);
const count = values.only ? 1 : Number(values.cases);
const first = values.only ? Number(values.only) : Number(values.seed) * 1_000_003;
const tallies = new Map(names.map((name) => [name, { answers: 0, errors: new Map(), slowest: 0 }]));
/** @type {Map<string, { times: number, text: string }>} */
const failures = new Map();
let next = 0;

await Promise.all(Array.from({ length: Math.min(count, Number(values.processes)) }, work));
report();

/** One process after the other, each until it has no more cases or must be replaced. */
async function work() {
  let worker = await startWorker();
  while (next < count) {
    const number = next++;
    const target = names[number % names.length] ?? "";
    const seed = first + number;
    const found = await worker.run({ target, seed });
    note(target, seed, found);
    if (found.ended || found.megabytes > limits.megabytes / 2) {
      worker.stop();
      worker = await startWorker();
    }
  }
  worker.stop();
}

/** A process that runs one case at a time. */
async function startWorker() {
  const path = fileURLToPath(new URL("worker.mjs", import.meta.url));
  const child = fork(path, [], { execArgv: ["--max-old-space-size=1200"], stdio: ["ignore", "ignore", "pipe", "ipc"] });
  let said = "";
  child.stderr?.on("data", (chunk) => {
    said = (said + chunk).slice(-3000);
  });
  const once = () =>
    new Promise((resolve) => {
      const timer = setTimeout(
        () => done({ failure: `hangs: no answer in ${limits.wallSeconds} s`, ended: true }),
        limits.wallSeconds * 1000,
      );
      const onMessage = (message) => done(message);
      const onExit = (code, signal) => done({ failure: `the process died (${signal ?? code})\n${said}`, ended: true });
      const done = (found) => {
        clearTimeout(timer);
        child.off("message", onMessage);
        child.off("exit", onExit);
        resolve(found);
      };
      child.on("message", onMessage);
      child.on("exit", onExit);
    });
  const ready = await once();
  if (ready.failure) throw new Error(ready.failure);
  return {
    run(task) {
      const found = once();
      child.send(task);
      return found;
    },
    stop: () => child.kill("SIGKILL"),
  };
}

function note(target, seed, { code, failure, seconds = 0, megabytes = 0 }) {
  const tally = tallies.get(target);
  if (!tally) return;
  tally.slowest = Math.max(tally.slowest, seconds);
  const wrong =
    failure ??
    (seconds > limits.seconds ? `takes ${seconds.toFixed(1)} s of processor time` : undefined) ??
    (megabytes > limits.megabytes ? `takes ${Math.round(megabytes)} MB` : undefined);
  if (wrong) {
    const kind = wrong.split("\n").slice(0, 4).join("\n").replace(/\d+/g, "#");
    const known = failures.get(kind);
    if (known) known.times++;
    else failures.set(kind, { times: 1, text: `--target ${target} --only ${seed}: ${wrong}` });
    if (!known) console.log(`FAIL ${failures.get(kind)?.text}`);
  } else if (code) tally.errors.set(code, (tally.errors.get(code) ?? 0) + 1);
  else tally.answers++;
}

function report() {
  for (const [name, { answers, errors, slowest }] of tallies) {
    const codes = [...errors].sort((a, b) => b[1] - a[1]).map(([code, times]) => `${code} ${times}`);
    console.log(`${name}: ${answers} answers; ${codes.join(", ") || "no errors"}; slowest ${slowest.toFixed(2)} s`);
  }
  const failed = [...failures.values()].reduce((sum, { times }) => sum + times, 0);
  console.log(`${count} cases, ${failed} failed in ${failures.size} ways`);
  for (const { times, text } of failures.values()) if (times > 1) console.log(`${times} times: ${text.split("\n")[0]}`);
  process.exit(failed > 0 ? 1 : 0);
}

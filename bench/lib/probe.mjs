/** The probe (bench/kernels/probe.cc): compiled once, asked while sides measure. */
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const source = fileURLToPath(new URL("../kernels/probe.cc", import.meta.url));

/** Compiles the probe into a folder unless it is there, and gives its path. */
export function buildProbe(folder) {
  const program = join(folder, "probe");
  if (existsSync(program) && statSync(program).mtimeMs > statSync(source).mtimeMs) return program;
  mkdirSync(folder, { recursive: true });
  const result = spawnSync("g++", ["-std=c++20", "-O3", "-pthread", source, "-o", program], { stdio: "inherit" });
  if (result.status !== 0) throw new Error("the probe does not compile: is g++ installed?");
  return program;
}

/** A running probe. */
export class Probe {
  #child;
  #lines;

  constructor(program, threads) {
    this.#child = spawn(program, [String(threads)], { stdio: ["pipe", "pipe", "inherit"] });
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  /** Bytes that all threads together read from memory now, in GB/s. */
  async bandwidth() {
    return (await this.#ask("bandwidth")).gigabytesPerSecond;
  }

  /** Operations a second of each unit, in units of 10¹². */
  async peaks() {
    return (await this.#ask("peaks")).teraOperationsPerSecond;
  }

  async #ask(command) {
    this.#child.stdin.write(`${command}\n`);
    const { value, done } = await this.#lines.next();
    if (done) throw new Error("the probe ended");
    return JSON.parse(value);
  }

  close() {
    this.#child.stdin.end();
  }
}

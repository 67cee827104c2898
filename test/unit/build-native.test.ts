import { spawnSync } from "node:child_process";
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
let copy: string;

beforeAll(() => {
  copy = mkdtempSync(join(tmpdir(), "tsumugi-build-"));
  for (const part of ["native/addon", "native/include", "native/kernels", "native/binding.gyp", "scripts"]) {
    cpSync(join(root, part), join(copy, part), { recursive: true });
  }
  symlinkSync(join(root, "node_modules"), join(copy, "node_modules"));
  mkdirSync(join(copy, "tools"));
}, 60_000);
afterAll(() => rmSync(copy, { recursive: true, force: true }));

/** Runs the build of the copy; what it printed, and the record that it left. */
function build(given: readonly string[], env: NodeJS.ProcessEnv) {
  const script = join(copy, "scripts/build-native.mjs");
  const { status, stderr, stdout } = spawnSync(process.execPath, [script, ...given], { encoding: "utf8", env });
  return { status, stderr, stdout, record: JSON.parse(readFileSync(join(copy, "native/build/record.json"), "utf8")) };
}

it.skipIf(process.platform === "win32")("names the tools that are missing in one line, without trying", () => {
  const { status, stderr, stdout, record } = build(["--optional"], { PATH: join(copy, "tools") });
  expect(record).toMatchObject({ outcome: "tools", platform: process.platform, arch: process.arch });
  expect(record.missing.length).toBeGreaterThan(0);
  expect({ status, stdout }).toEqual({ status: 0, stdout: "" });
  expect(stderr.trimEnd().split("\n")).toHaveLength(1);
  for (const tool of record.missing) expect(stderr).toContain(tool);

  expect(build(["--optional", "--quiet"], { PATH: join(copy, "tools") })).toMatchObject({ status: 0, stderr: "" });
  expect(build([], { PATH: join(copy, "tools") }).status).toBe(1);
});

it.skipIf(process.platform === "win32")("records why a compiler failed", () => {
  const compiler = join(copy, "tools/broken-compiler");
  // it knows C++20, as the build asks first, and compiles nothing
  writeFileSync(
    compiler,
    '#!/bin/sh\ncase "$*" in *-fsyntax-only*) exit 0 ;; esac\necho "attend.cc:1: error: out of ideas" >&2; echo "$*"\nexit 1\n',
  );
  chmodSync(compiler, 0o755);
  const { status, stderr, record } = build(["--optional"], { ...process.env, CXX: compiler });
  expect(status).toBe(0);
  expect(record).toMatchObject({ outcome: "failed", summary: "attend.cc:1: error: out of ideas" });
  expect(stderr).toContain("attend.cc:1: error: out of ideas");
  const log = readFileSync(join(copy, "native/build/build.log"), "utf8");
  expect(log, "warnings do not fail an installation").toMatch(/-Werror .*-Wno-error/);
  expect(log.trimEnd().split("\n").at(-1)).toContain(record.lastLines.at(-1));
});

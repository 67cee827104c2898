import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { describeOtherWeights } from "../formats/weight-files.ts";
import { modelDirectory } from "./model-directory.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tsumugi-directory-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const failure = (reason: string) =>
  expect.objectContaining({ code: "file_unreadable", message: expect.stringContaining(reason) });

test.skipIf(process.platform === "win32")(
  "a pipe, a device or a folder in a file's place is refused and not read",
  async () => {
    execFileSync("mkfifo", [join(folder, "pipe.json")]);
    symlinkSync("/dev/zero", join(folder, "device.json"));
    mkdirSync(join(folder, "folder.json"));
    const files = modelDirectory("m", folder);
    for (const name of ["pipe.json", "device.json", "folder.json"]) {
      await expect(files.readJson(name)).rejects.toThrow(failure("where a file should be"));
      await expect(files.readText(name)).rejects.toThrow(failure("where a file should be"));
    }
  },
);

test("a file that is read whole has at most 512 MiB", async () => {
  const path = join(folder, "config.json");
  writeFileSync(path, "");
  truncateSync(path, 512 * 1024 * 1024 + 1); // takes no room on the disk
  await expect(modelDirectory("m", folder).readJson("config.json")).rejects.toThrow(failure("536870913 bytes"));
});

test("weights of the right name that cannot be opened are told from others", () => {
  expect(describeOtherWeights(["model.safetensors"], "m")).toContain("a broken link");
  expect(describeOtherWeights(["other.safetensors"], "m")).toContain("rename it to model.safetensors");
});

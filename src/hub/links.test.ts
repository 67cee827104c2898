/** A cache in which others may write: nothing is written through what they have put there. */
import { execFileSync } from "node:child_process";
import { existsSync, linkSync, lstatSync, mkdirSync, readFileSync, readlinkSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { sha256 } from "../../test/helpers/fake-hub.ts";
import { commit, useFakeHub, weights } from "../../test/helpers/hub-fixtures.ts";
import { resolveModel } from "./index.ts";

const use = useFakeHub();
const file = "model.safetensors";
const retry = { attempts: 2, baseDelayMs: 1, maxDelayMs: 5 };
const load = (files: string[] = [file]) =>
  resolveModel("org/tiny", {
    endpoint: use.hub.endpoint,
    cacheDir: use.cache,
    retry,
    files: (names) => files.filter((each) => names.includes(each)),
  });
const inCache = (...parts: string[]) => join(use.cache, "models--org--tiny", ...parts);
const incomplete = () => inCache("blobs", `${sha256(weights)}.incomplete`);
const lock = () => join(use.cache, ".locks/models--org--tiny", `${sha256(weights)}.tsumugi.lock`);

function victim(): string {
  const path = join(use.cache, "victim");
  writeFileSync(path, "precious");
  return path;
}

function prepare(path: string): string {
  mkdirSync(dirname(path), { recursive: true });
  return path;
}

const untouched = () => expect(readFileSync(join(use.cache, "victim"), "utf8")).toBe("precious");
const whole = () => expect(readFileSync(inCache("blobs", sha256(weights))).equals(weights)).toBe(true);

describe.skipIf(process.platform === "win32")("what others have put into the cache", () => {
  it("as a link in place of .incomplete is not followed", async () => {
    symlinkSync(victim(), prepare(incomplete()));
    await load();
    untouched();
    whole();
    expect(lstatSync(inCache("blobs", sha256(weights))).isFile()).toBe(true);
  });

  it("as a link to nothing in place of .incomplete makes nothing", async () => {
    symlinkSync(join(use.cache, "made"), prepare(incomplete()));
    await load();
    expect(existsSync(join(use.cache, "made"))).toBe(false);
    whole();
  });

  it("as a second name of a file in place of .incomplete is not written to", async () => {
    linkSync(victim(), prepare(incomplete()));
    await load();
    untouched();
    whole();
  });

  it("as a pipe in place of .incomplete is not waited for", async () => {
    execFileSync("mkfifo", [prepare(incomplete())]);
    await load();
    whole();
  });

  it("as a folder in place of .incomplete is an error", async () => {
    mkdirSync(incomplete(), { recursive: true });
    await expect(load()).rejects.toMatchObject({ code: "hub_cache_not_writable" });
  });

  it.each(["link", "link to nothing", "folder", "pipe"])("as a %s in place of a lock is an error", async (kind) => {
    prepare(lock());
    if (kind === "link") symlinkSync(victim(), lock());
    if (kind === "link to nothing") symlinkSync(join(use.cache, "made"), lock());
    if (kind === "folder") mkdirSync(lock());
    if (kind === "pipe") execFileSync("mkfifo", [lock()]);
    await expect(load()).rejects.toMatchObject({
      code: "hub_cache_not_writable",
      message: expect.stringContaining("remove it"),
    });
    if (kind === "link") untouched();
    expect(existsSync(join(use.cache, "made"))).toBe(false);
  });

  it("as links in place of notes and refs is replaced or left", async () => {
    victim();
    symlinkSync(join(use.cache, "made"), prepare(inCache(".no_exist", commit, "adapter_config.json")));
    symlinkSync(join(use.cache, "victim"), prepare(inCache("refs", "main")));
    await load(["config.json", file, "adapter_config.json"]);
    untouched();
    expect(existsSync(join(use.cache, "made"))).toBe(false);
    expect(readFileSync(inCache("refs", "main"), "utf8")).toBe(commit);
    expect(readlinkSync(inCache("snapshots", commit, file))).toMatch(/^\.\.\/\.\.\/blobs\//);
  });
});

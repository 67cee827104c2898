import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { cachePaths } from "./cache-paths.ts";
import { expandPath, readHubEnvironment } from "./environment.ts";
import { relativePathProblem, repositoryIdProblem } from "./repository-id.ts";
import { findToken } from "./token.ts";

const HOME = "/home/me";

describe("readHubEnvironment", () => {
  it.each([
    [{}, "/home/me/.cache/huggingface/hub"],
    [{ XDG_CACHE_HOME: "/xdg" }, "/xdg/huggingface/hub"],
    [{ XDG_CACHE_HOME: "/xdg", HF_HOME: "~/hf" }, "/home/me/hf/hub"],
    [{ HF_HOME: "/hf", HUGGINGFACE_HUB_CACHE: "/old" }, "/old"],
    [{ HF_HUB_CACHE: "$HOME/new", HUGGINGFACE_HUB_CACHE: "/old" }, "/home/me/new"],
    [{ HF_HUB_CACHE: "" }, "/home/me/.cache/huggingface/hub"],
  ])("finds the cache folder of %j", (variables, expected) => {
    expect(readHubEnvironment({ HOME, ...variables }).cacheDirectory).toBe(expected);
  });

  it.each([
    [{}, false],
    [{ HF_HUB_OFFLINE: "1" }, true],
    [{ HF_HUB_OFFLINE: "", TRANSFORMERS_OFFLINE: "on" }, true],
    [{ HF_HUB_OFFLINE: "yes" }, true],
    [{ TRANSFORMERS_OFFLINE: "1" }, true],
    [{ HF_HUB_OFFLINE: "0", TRANSFORMERS_OFFLINE: "1" }, false],
  ])("takes %j for offline: %s", (variables, expected) => {
    expect(readHubEnvironment({ HOME, ...variables }).offline).toBe(expected);
  });

  it("drops the slash at the end of HF_ENDPOINT", () => {
    expect(readHubEnvironment({ HOME, HF_ENDPOINT: "https://hub.local/" }).endpoint).toBe("https://hub.local");
    expect(readHubEnvironment({ HOME }).endpoint).toBe("https://huggingface.co");
  });

  it.each([
    [undefined, 10_000],
    ["", 10_000],
    ["0", 10_000],
    ["30", 30_000],
    [" 0.5 ", 500],
  ])("reads the timeout %j as %i ms", (value, expected) => {
    const environment = readHubEnvironment({ HOME, HF_HUB_ETAG_TIMEOUT: value, HF_HUB_DOWNLOAD_TIMEOUT: value });
    expect([environment.metadataTimeoutMs, environment.downloadTimeoutMs]).toEqual([expected, expected]);
  });

  it.each(["-1", "10s", "ten", "NaN", "Infinity", "1e7"])("refuses the timeout %j", (value) => {
    expect(() => readHubEnvironment({ HOME, HF_HUB_DOWNLOAD_TIMEOUT: value })).toThrow(/`HF_HUB_DOWNLOAD_TIMEOUT` must be/);
  });

  it("leaves unknown variables in paths as they are", () => {
    expect(expandPath(`~/a/$${"{B}"}/$NONE/~`, { HOME, B: "b" })).toBe("/home/me/a/b/$NONE/~");
  });
});

describe("findToken", () => {
  const home = mkdtempSync(join(tmpdir(), "tsumugi-token-"));
  writeFileSync(join(home, "token"), "hf_file\n", { mode: 0o600 });
  const find = (option: string | undefined, variables: Record<string, string>) =>
    findToken(option, readHubEnvironment({ HOME, HF_HOME: home, ...variables }));

  it.each([
    ["hf_option ", { HF_TOKEN: "hf_new" }, "hf_option"],
    ["", { HF_TOKEN: "hf_new" }, undefined],
    [undefined, { HF_TOKEN: "hf_new\n", HUGGING_FACE_HUB_TOKEN: "hf_old" }, "hf_new"],
    [undefined, { HUGGING_FACE_HUB_TOKEN: "hf_old" }, "hf_old"],
    [undefined, {}, "hf_file"],
    [undefined, { HF_TOKEN_PATH: join(home, "none") }, undefined],
    [undefined, { HF_TOKEN: "hf_new", HF_HUB_DISABLE_IMPLICIT_TOKEN: "1" }, undefined],
    ["hf_option", { HF_HUB_DISABLE_IMPLICIT_TOKEN: "1" }, "hf_option"],
  ])("option %j, variables %j: %s", async (option, variables, expected) => {
    expect(await find(option, variables)).toBe(expected);
  });
});

describe("repositoryIdProblem", () => {
  it.each(["gpt2", "org/name", "Foo-BAR_foo.bar123", "123", "_a/b_"])("accepts %s", (id) => {
    expect(repositoryIdProblem(id)).toBeUndefined();
  });

  it.each([
    "datasets/foo/bar",
    ".name",
    "name.",
    "-a/b",
    "foo--bar",
    "foo..bar",
    "foo.git",
    "a b",
    "文件夹",
    "",
    "a/",
    `a/${"b".repeat(97)}`,
  ])("refuses %j", (id) => {
    expect(repositoryIdProblem(id)).toBeTypeOf("string");
  });
});

describe("cache paths", () => {
  it.each(["../a", "/a", "a//b", "a/./b", "a\\b", "C:/a", "", "a/..", "a\0"])(
    "refuses %j as a path in a repository",
    (path) => {
      expect(relativePathProblem(path)).toBeTypeOf("string");
    },
  );

  it("lays a repository out as Python does", () => {
    const paths = cachePaths("/cache", "org/name");
    expect(paths.pointer("c0", "sub/file.json")).toBe("/cache/models--org--name/snapshots/c0/sub/file.json");
    expect(paths.ref("refs/pr/1")).toBe("/cache/models--org--name/refs/refs/pr/1");
    expect(paths.absent("c0", "vocab.json")).toBe("/cache/models--org--name/.no_exist/c0/vocab.json");
    expect(cachePaths("/cache", "gpt2").blob("e")).toBe("/cache/models--gpt2/blobs/e");
  });
});

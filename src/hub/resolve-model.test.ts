import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import type { ServerResponse } from "node:http";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { gitSha1, sha256 } from "../../test/helpers/fake-hub.ts";
import { bytes, commit, text, tinyRepository, useFakeHub, weights } from "../../test/helpers/hub-fixtures.ts";
import { type DownloadProgress, type ResolveOptions, resolveModel, selectTokenizerFiles } from "./index.ts";

const use = useFakeHub();
const retry = { attempts: 3, baseDelayMs: 1, maxDelayMs: 5 };
const load = (id: string, options: ResolveOptions = {}) =>
  resolveModel(id, { endpoint: use.hub.endpoint, cacheDir: use.cache, retry, ...options });
const answer =
  (status: number, body = "") =>
  (_: unknown, response: ServerResponse) => {
    response.writeHead(status).end(body);
    return true;
  };
const inCache = (...parts: string[]) => join(use.cache, "models--org--tiny", ...parts);
const wanted = [
  "additional_chat_templates/rag.jinja",
  "config.json",
  "model.safetensors",
  "tokenizer.json",
  "tokenizer_config.json",
];

describe("a folder", () => {
  it("is used as it is, without the network", async () => {
    writeFileSync(join(use.cache, "config.json"), '\uFEFF{"a": 1}');
    writeFileSync(join(use.cache, "broken.json"), "{");
    const model = await resolveModel(use.cache, { endpoint: "http://127.0.0.1:1" });
    expect(model).toMatchObject({ id: use.cache, directory: use.cache, commit: undefined });
    expect(await model.readJson("config.json")).toEqual({ a: 1 });
    expect(await model.readText("none.json")).toBeUndefined();
    expect(model.path("config.json")).toBe(join(use.cache, "config.json"));
    expect(model.path("../config.json")).toBeUndefined();
    await expect(model.readJson("broken.json")).rejects.toMatchObject({ code: "invalid_json_file" });
  });

  it("may be given from the home folder", async () => {
    mkdirSync(join(use.cache, "models"));
    vi.stubEnv("HOME", use.cache);
    expect((await resolveModel("~/models")).directory).toBe(join(use.cache, "models"));
  });

  it.each(["./none", "/none/at/all", "~/none", "a/b/c", "no--pe", "src/index.ts.git"])(
    "or an id: %s is neither",
    async (given) => {
      await expect(load(given)).rejects.toMatchObject({
        code: "model_not_found",
        message: expect.stringContaining("no such folder"),
      });
      expect(use.hub.seen).toEqual([]);
    },
  );

  it("is refused where it is a file", async () => {
    writeFileSync(join(use.cache, "model.gguf"), "");
    await expect(load(join(use.cache, "model.gguf"))).rejects.toThrow(/it is the name of a file.*GGUF/);
  });
});

describe("a Hub id", () => {
  it("is laid out as Python lays it out", async () => {
    const model = await load("org/tiny");
    expect(model).toMatchObject({ id: "org/tiny", commit, directory: inCache("snapshots", commit) });
    expect(await model.list()).toEqual(wanted);
    const { files } = tinyRepository();
    const small = gitSha1(files["config.json"]?.content ?? bytes(0));
    expect(readlinkSync(inCache("snapshots", commit, "config.json"))).toBe(`../../blobs/${small}`);
    expect(readlinkSync(inCache("snapshots", commit, "model.safetensors"))).toBe(`../../blobs/${sha256(weights)}`);
    expect(readlinkSync(inCache("snapshots", commit, "additional_chat_templates/rag.jinja"))).toMatch(
      /^\.\.\/\.\.\/\.\.\/blobs\//,
    );
    expect(readFileSync(inCache("refs", "main"), "utf8")).toBe(commit);
    expect(existsSync(inCache(".no_exist", commit, "generation_config.json"))).toBe(true);
    expect(existsSync(inCache(".no_exist", commit, "config.json"))).toBe(false);
    expect(readFileSync(join(use.cache, "CACHEDIR.TAG"), "utf8")).toMatch(/^Signature: 8a477f597d28d172789f06886806bc55\n/);
    expect(readdirSync(join(use.cache, ".locks/models--org--tiny"))).toEqual([]);
    expect(readFileSync(model.path("model.safetensors") ?? "").equals(weights)).toBe(true);
  });

  it("asks only which commit it is when all is there", async () => {
    await load("org/tiny");
    use.hub.seen.length = 0;
    const events: DownloadProgress[] = [];
    await load("org/tiny", { onProgress: (event) => events.push(event) });
    expect(use.hub.seen.map(({ path }) => path)).toEqual(["/api/models/org/tiny/revision/main?blobs=true"]);
    expect(events.map(({ status }) => status)).toEqual(["cached", "cached", "cached", "cached", "cached"]);
  });

  it("asks nothing for a commit hash when all is there", async () => {
    await load("org/tiny", { revision: commit });
    expect(existsSync(inCache("refs"))).toBe(false);
    use.hub.seen.length = 0;
    await load("org/tiny", { revision: commit });
    expect(use.hub.seen).toEqual([]);
    unlinkSync(inCache("snapshots", commit, "model.safetensors"));
    await load("org/tiny", { revision: commit });
    expect(use.hub.contentRequests("model.safetensors")).toEqual([]); // the blob was still there
    expect(existsSync(inCache("snapshots", commit, "model.safetensors"))).toBe(true);
  });

  it("takes the files that a chooser names", async () => {
    const model = await load("org/tiny", { files: selectTokenizerFiles });
    expect(await model.list()).toEqual(wanted.filter((name) => name !== "model.safetensors"));
    await expect(load("org/tiny", { localFilesOnly: true })).rejects.toThrow(/model\.safetensors is missing/);
    await load("org/tiny", { localFilesOnly: true, files: selectTokenizerFiles });
  });

  it("takes the shards that the index names", async () => {
    const map = { weight_map: { a: "model-00001-of-00002.safetensors", b: "model-00002-of-00002.safetensors" } };
    const files = {
      "config.json": text({}),
      "model.safetensors.index.json": text(map),
      "model-00001-of-00002.safetensors": { content: bytes(500, "1"), lfs: true },
      "model-00002-of-00002.safetensors": { content: bytes(500, "2"), lfs: true },
      "other.safetensors": { content: bytes(500, "3"), lfs: true },
    };
    use.hub.repositories.set("org/sharded", { commit, files });
    const model = await load("org/sharded");
    expect(await model.list()).toEqual(
      Object.keys(files)
        .filter((name) => name !== "other.safetensors")
        .sort(),
    );
    unlinkSync(model.path("model-00002-of-00002.safetensors") ?? "");
    await expect(load("org/sharded", { localFilesOnly: true })).rejects.toThrow(/model-00002-of-00002\.safetensors is missing/);
    const { "model-00002-of-00002.safetensors": _, ...rest } = files;
    use.hub.repositories.set("org/sharded", { commit: "f".repeat(40), files: rest });
    await expect(load("org/sharded")).rejects.toMatchObject({
      code: "hub_file_not_found",
      details: { file: "model-00002-of-00002.safetensors" },
    });
  });

  it("follows a repository that has moved, and a pull request's revision", async () => {
    use.hub.repositories.set("org/new", { ...tinyRepository(), movedFrom: "old" });
    const model = await load("old", { revision: "refs/pr/1" });
    expect(await model.list()).toEqual(wanted);
    expect(readFileSync(join(use.cache, "models--old/refs/refs/pr/1"), "utf8")).toBe(commit);
  });

  it("is kept as real files where links are not possible", async () => {
    vi.stubEnv("HF_HUB_DISABLE_SYMLINKS", "1");
    const model = await load("org/tiny");
    const pointer = model.path("model.safetensors") ?? "";
    expect(lstatSync(pointer).isFile()).toBe(true);
    expect(readFileSync(pointer).equals(weights)).toBe(true);
  });

  it("sends the token to the Hub, and not to the storage", async () => {
    use.hub.repositories.set("org/tiny", { ...tinyRepository(), private: true });
    vi.stubEnv("HF_TOKEN", "hf_right");
    await load("org/tiny");
    const storage = use.hub.seen.filter(({ host }) => host.startsWith("localhost"));
    expect(storage.length).toBeGreaterThan(0);
    expect(storage.filter(({ authorization }) => authorization !== undefined)).toEqual([]);
    const rest = use.hub.seen.filter(({ host }) => !host.startsWith("localhost"));
    expect(new Set(rest.map(({ authorization }) => authorization))).toEqual(new Set(["Bearer hf_right"]));
  });
});

describe("resolveModel without a network", () => {
  it("reads the cache, or says what is missing", async () => {
    vi.stubEnv("HF_HUB_OFFLINE", "1");
    await expect(load("org/tiny")).rejects.toMatchObject({
      code: "hub_not_cached",
      message: expect.stringContaining("never downloaded"),
    });
    vi.stubEnv("HF_HUB_OFFLINE", undefined);
    await load("org/tiny");
    use.hub.seen.length = 0;
    vi.stubEnv("HF_HUB_OFFLINE", "1");
    expect((await load("org/tiny")).commit).toBe(commit);
    await expect(load("org/tiny", { revision: "other" })).rejects.toMatchObject({ code: "hub_not_cached" });
    rmSync(inCache("snapshots", commit, "config.json"));
    await expect(load("org/tiny")).rejects.toThrow(/config\.json is missing/);
    expect(use.hub.seen).toEqual([]);
  });

  it("says which files, revisions and models are there", async () => {
    const offline = { localFilesOnly: true };
    await expect(load("org/tiny", offline)).rejects.toThrow(/never downloaded; no other model was.*tsumugi download org\/tiny/);
    await load("org/tiny");
    await expect(load("org/tinny", offline)).rejects.toThrow(/never downloaded; there is org\/tiny\./);
    await expect(load("org/tiny", { ...offline, revision: "v2" })).rejects.toThrow(
      /revision was never downloaded; there is main\..*tsumugi download org\/tiny --revision v2/,
    );
    rmSync(inCache("snapshots", commit, "model.safetensors"));
    writeFileSync(inCache("blobs", "x.incomplete"), "");
    vi.stubEnv("TRANSFORMERS_OFFLINE", "1");
    await expect(load("org/tiny")).rejects.toThrow(
      /model\.safetensors is missing; there is .*config\.json.*; a download of it was interrupted\. TRANSFORMERS_OFFLINE forbids/,
    );
  });

  it("takes an adapter as whole that Python downloaded", async () => {
    const folder = inCache("snapshots", commit);
    mkdirSync(folder, { recursive: true });
    mkdirSync(inCache("refs"));
    writeFileSync(inCache("refs/main"), commit);
    writeFileSync(join(folder, "adapter_config.json"), "{}");
    await expect(load("org/tiny", { localFilesOnly: true })).rejects.toMatchObject({ code: "hub_not_cached" });
    writeFileSync(join(folder, "adapter_model.safetensors"), "");
    expect((await load("org/tiny", { localFilesOnly: true })).directory).toBe(folder);
  });

  it("compares sizes with the listing that Python left", async () => {
    const { files } = tinyRepository();
    const entries = Object.entries(files).map(([name, { content }]) => [name, { size: content.length, blob_id: "b" }]);
    await load("org/tiny");
    mkdirSync(inCache("trees"));
    writeFileSync(
      inCache("trees", `${commit}.json`),
      JSON.stringify({ format_version: 1, files: Object.fromEntries(entries) }),
    );
    await load("org/tiny", { localFilesOnly: true });
    writeFileSync(inCache("blobs", sha256(weights)), "short");
    await expect(load("org/tiny", { localFilesOnly: true })).rejects.toThrow(/model\.safetensors \(5 of 200000 bytes\)/);
    await load("org/tiny", { revision: commit });
    await load("org/tiny", { localFilesOnly: true });
  });

  it("falls back to the cache when the Hub cannot be reached, is down, or refuses", async () => {
    await load("org/tiny");
    expect((await load("org/tiny", { endpoint: "http://127.0.0.1:1" })).commit).toBe(commit);
    use.hub.rules = [answer(503)];
    expect((await load("org/tiny")).commit).toBe(commit);
    use.hub.rules = [];
    use.hub.repositories.delete("org/tiny");
    expect((await load("org/tiny")).commit).toBe(commit);
  });

  it("keeps answering with the old commit until the new one is whole", async () => {
    await load("org/tiny");
    const next = { ...tinyRepository(), commit: "a".repeat(40) };
    next.files["model.safetensors"] = { content: bytes(50_000, "new"), lfs: true };
    use.hub.repositories.set("org/tiny", next);
    use.hub.rules = [(request, response) => request.url?.startsWith("/storage/") === true && answer(500)(request, response)];
    await expect(load("org/tiny")).rejects.toMatchObject({ code: "hub_unreachable" });
    expect((await load("org/tiny", { localFilesOnly: true })).commit).toBe(commit);
  });

  it("says so when nothing is cached", async () => {
    await expect(load("org/tiny", { endpoint: "http://127.0.0.1:1" })).rejects.toMatchObject({
      code: "hub_unreachable",
      details: { attempts: 3 },
      message: expect.stringContaining("127.0.0.1:1"),
    });
  });
});

describe("refusals", () => {
  it.each([
    ["org/none", {}, "hub_repository_not_found", /set HF_TOKEN/],
    ["org/none", { token: "hf_wrong" }, "hub_repository_not_found", /the one that was sent/],
    ["org/tiny", { revision: "v9" }, "hub_revision_not_found", /`v9`/],
    ["org/gated", {}, "hub_gated", /Visit http.*org\/gated.*accept its licence.*set HF_TOKEN/],
    ["org/gated", { token: "hf_wrong" }, "hub_gated", /use a token whose account may read it/],
    ["org/old", {}, "safetensors_required", /pytorch_model\.bin/],
    ["org/tiny", { revision: "../x" }, "invalid_option", /`revision`/],
    ["org/tiny", { endpoint: "ftp://x" }, "invalid_option", /`endpoint`/],
  ] as const)("%s %j: %s", async (id, options, code, message) => {
    use.hub.repositories.set("org/gated", { ...tinyRepository(), gated: true });
    use.hub.repositories.set("org/old", { commit, files: { "config.json": text({}), "pytorch_model.bin": text("") } });
    await expect(load(id, options)).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
    expect(use.hub.seen.filter(({ status }) => status === 401 || status === 403 || status === 404).length).toBeLessThan(6);
  });

  it("does not follow a file name out of the cache", async () => {
    use.hub.repositories.set("org/evil", { commit, files: { "config.json": text({}), "../../../evil.json": text("") } });
    await expect(load("org/evil")).rejects.toMatchObject({ code: "hub_bad_response" });
    const map = { weight_map: { a: "../../../../evil.safetensors" } };
    use.hub.repositories.set("org/index", {
      commit,
      files: { "config.json": text({}), "model.safetensors.index.json": text(map) },
    });
    await expect(load("org/index")).rejects.toMatchObject({ code: "safetensors_index" });
  });

  it("knows a server that is no Hub", async () => {
    use.hub.rules = [answer(200, "<html>hotel Wi-Fi</html>")];
    await expect(load("org/tiny")).rejects.toMatchObject({
      code: "hub_bad_response",
      message: expect.stringContaining("not JSON"),
    });
  });
});

describe("options", () => {
  it.each([
    [{ retry: 3 }, "The option `retry` must be an object"],
    [{ retry: { tries: 3 } }, "Unknown option `tries`"],
    [{ retry: { attempts: 0 } }, "`retry.attempts` must be a number from 1"],
    [{ retry: { attempts: Number.POSITIVE_INFINITY } }, "`retry.attempts` must be a number from 1"],
    [{ retry: { baseDelayMs: Number.NaN } }, "`retry.baseDelayMs` must be a number from 0"],
    [{ endpoint: "https://me:secret@hub" }, "`endpoint` must be an http(s) address without"],
    [{ endpoint: "https://hub/?a=1" }, "`endpoint` must be an http(s) address without"],
  ])("%j are refused for an id", async (options, message) => {
    const refused = load("org/tiny", options as ResolveOptions);
    await expect(refused).rejects.toThrow(message);
    await expect(refused).rejects.not.toThrow("secret");
    expect(use.hub.seen).toEqual([]);
  });

  it("say which variable names no address", async () => {
    vi.stubEnv("HF_ENDPOINT", "hub.local");
    await expect(load("org/tiny", { endpoint: undefined })).rejects.toThrow(/`HF_ENDPOINT` must be an http/);
  });

  it.each([
    [{ cachedir: "x" }, "Unknown option `cachedir` (did you mean `cacheDir`?)"],
    [{ revision: 5 }, "`revision` must be a text. Given: 5."],
    [{ localFilesOnly: 1 }, "`localFilesOnly` must be true or false. Given: 1."],
    [{ signal: {} }, "`signal` must be an AbortSignal"],
    [{ forceDownload: "yes" }, "`forceDownload` must be true or false"],
  ])("%j are refused, for a folder too", async (options, message) => {
    await expect(resolveModel(use.cache, options as ResolveOptions)).rejects.toThrow(message);
  });
});

import { lstatSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { gitSha1, sha256 } from "../../test/helpers/fake-hub.ts";
import { blobs, bytes, commit, tinyRepository, useFakeHub, weights } from "../../test/helpers/hub-fixtures.ts";
import { type ResolveOptions, resolveModel } from "./index.ts";

const use = useFakeHub();
const retry = { attempts: 2, baseDelayMs: 1, maxDelayMs: 5 };
const load = (options: ResolveOptions = {}) =>
  resolveModel("org/tiny", { endpoint: use.hub.endpoint, cacheDir: use.cache, retry, ...options });
const blob = (name: string) => join(use.cache, "models--org--tiny/blobs", name);
const contents = () =>
  use.hub.seen.filter(({ method, path, status }) => method === "GET" && !path.startsWith("/api/") && status !== 302);

describe("forceDownload", () => {
  it("downloads every file again, and replaces what lies in the cache", async () => {
    await load();
    writeFileSync(blob(sha256(weights)), bytes(weights.length, "damaged"));
    writeFileSync(`${blob(sha256(weights))}.incomplete`, bytes(1000, "damaged"));
    use.hub.seen.length = 0;
    const model = await load({ forceDownload: true });
    expect(contents().length).toBe(5);
    expect(contents().filter(({ range }) => range !== undefined)).toEqual([]);
    expect(readFileSync(model.path("model.safetensors") ?? "").equals(weights)).toBe(true);
    expect(blobs(use.cache).filter((name) => name.endsWith(".incomplete"))).toEqual([]);
  });

  it("does not fall back to the cache", async () => {
    await load();
    await expect(load({ forceDownload: true, endpoint: "http://127.0.0.1:1" })).rejects.toMatchObject({
      code: "hub_unreachable",
    });
    await expect(load({ forceDownload: true, revision: commit, endpoint: "http://127.0.0.1:1" })).rejects.toMatchObject({
      code: "hub_unreachable",
    });
  });

  it("leaves the old file where the new one fails", async () => {
    await load();
    use.hub.drops = [0, 0, 0, 0];
    use.hub.rules = [({ url }, response) => url?.startsWith("/storage/") === true && Boolean(response.writeHead(500).end())];
    await expect(load({ forceDownload: true })).rejects.toMatchObject({ code: "hub_unreachable" });
    expect(readFileSync(blob(sha256(weights))).equals(weights)).toBe(true);
  });

  it("and an offline mode exclude each other", async () => {
    await expect(load({ forceDownload: true, localFilesOnly: true })).rejects.toThrow(/`forceDownload` and `localFilesOnly`/);
    vi.stubEnv("HF_HUB_OFFLINE", "1");
    await expect(load({ forceDownload: true })).rejects.toThrow(/`forceDownload` and HF_HUB_OFFLINE/);
  });
});

describe("a cached file of another size than the listing names", () => {
  const small = gitSha1(tinyRepository().files["config.json"]?.content ?? weights);

  it.each([{}, { revision: commit }])("is downloaded again (%j)", async (options) => {
    await load(options);
    truncateSync(blob(sha256(weights)), 1000);
    writeFileSync(blob(small), "");
    use.hub.seen.length = 0;
    if ("revision" in options) vi.stubEnv("HF_HUB_CACHE", use.cache);
    const model = await load();
    expect(contents().length).toBe(2);
    expect(readFileSync(model.path("model.safetensors") ?? "").equals(weights)).toBe(true);
    expect(await model.readJson("config.json")).toEqual({ model_type: "llama" });
  });

  it("is replaced where the cache holds real files", async () => {
    vi.stubEnv("HF_HUB_DISABLE_SYMLINKS", "1");
    const model = await load();
    const path = model.path("model.safetensors") ?? "";
    truncateSync(path, 5);
    await load();
    expect(lstatSync(path).size).toBe(weights.length);
  });

  it("is not noticed where the server names no sizes", async () => {
    use.hub.tellsSizes = false;
    await load();
    truncateSync(blob(sha256(weights)), 1000);
    use.hub.seen.length = 0;
    await load();
    expect(contents()).toEqual([]);
  });
});

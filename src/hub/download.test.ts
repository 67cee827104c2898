import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { dirname, join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { sha256 } from "../../test/helpers/fake-hub.ts";
import { blobs, bytes, commit, until, useFakeHub, weights } from "../../test/helpers/hub-fixtures.ts";
import { type DownloadProgress, type ResolveOptions, resolveModel } from "./index.ts";
import { storageError } from "./storage-error.ts";

const use = useFakeHub();
const retry = { attempts: 3, baseDelayMs: 1, maxDelayMs: 5 };
const file = "model.safetensors";
/** Only the weights: every content request is about them. */
const files = () => [file];
const load = (options: ResolveOptions = {}) =>
  resolveModel("org/tiny", { endpoint: use.hub.endpoint, cacheDir: use.cache, retry, files, ...options });
const blob = () => join(use.cache, "models--org--tiny/blobs", sha256(weights));
const ranges = () => use.hub.contentRequests(file).map(({ range }) => range);
const isContent = (request: IncomingMessage) => request.method === "GET" && request.url?.startsWith("/storage/") === true;

/** Answers the first `count` content requests by itself. */
function disturb(count: number, answer: (response: ServerResponse, request: IncomingMessage) => void): void {
  let left = count;
  use.hub.rules.push((request, response) => {
    if (!isContent(request) || left-- <= 0) return false;
    answer(response, request);
    return true;
  });
}

async function expectWhole(): Promise<void> {
  expect(readFileSync(blob()).equals(weights)).toBe(true);
  expect(blobs(use.cache)).toEqual([sha256(weights)]);
}

async function leaveIncomplete(content: Uint8Array): Promise<void> {
  await mkdir(dirname(blob()), { recursive: true });
  writeFileSync(`${blob()}.incomplete`, content);
}

describe("a connection that drops", () => {
  it("is continued where it stopped, as often as it brings something new", async () => {
    use.hub.drops = [20_000, 30_000, 10_000, 40_000, 5_000];
    await load();
    await expectWhole();
    const starts = ranges().map((range) => Number(/^bytes=(\d+)-$/.exec(range ?? "bytes=0-")?.[1]));
    expect(starts.length).toBe(6);
    expect(starts).toEqual(starts.toSorted((a, b) => a - b));
    expect(starts.at(-1)).toBeGreaterThan(50_000);
  });

  it("starts again from 0 at a server that ignores Range", async () => {
    use.hub.drops = [50_000];
    use.hub.ignoresRange = true;
    await load();
    await expectWhole();
    expect(ranges()[1]).toMatch(/^bytes=\d+-$/);
  });

  it("starts again from 0 when Content-Range begins elsewhere", async () => {
    use.hub.drops = [50_000];
    let count = 0;
    use.hub.rules.push((request, response) => {
      if (!isContent(request) || ++count !== 2) return false;
      response.writeHead(206, { "content-range": `bytes 7-199999/200000`, "content-length": 199_993 });
      response.end(weights.subarray(7));
      return true;
    });
    await load();
    await expectWhole();
    expect(ranges().length).toBe(3);
    expect(ranges()[2]).toBeUndefined();
  });

  it("ends in an error after attempts without progress, and keeps what came", async () => {
    use.hub.drops = [50_000, 0, 0, 0];
    await expect(load()).rejects.toMatchObject({ code: "hub_unreachable" });
    expect(blobs(use.cache)).toEqual([`${sha256(weights)}.incomplete`]);
    use.hub.drops = [];
    use.hub.seen.length = 0;
    await load();
    await expectWhole();
    expect(ranges()[0]).toMatch(/^bytes=[1-9]\d*-$/);
  });

  it("counts as dropped when it stands still for too long", async () => {
    vi.stubEnv("HF_HUB_DOWNLOAD_TIMEOUT", "0.1");
    disturb(1, (response) => response.writeHead(200, { "content-length": weights.length }).write(weights.subarray(0, 1000)));
    await load();
    await expectWhole();
    expect(ranges()).toEqual(["bytes=1000-", undefined].toReversed());
  });

  it("counts as dropped when the server never answers", async () => {
    vi.stubEnv("HF_HUB_ETAG_TIMEOUT", "0.5");
    disturb(2, () => {});
    await load();
    await expectWhole();
  });
});

describe("an overloaded server", () => {
  it.each([408, 429, 500, 502, 503])("is asked again after %i", async (status) => {
    disturb(2, (response) => response.writeHead(status).end());
    await load();
    await expectWhole();
  });

  it("says how long to wait", async () => {
    disturb(1, (response) => response.writeHead(429, { "retry-after": "1" }).end());
    const start = performance.now();
    await load();
    expect(performance.now() - start).toBeGreaterThan(990);
    disturb(1, (response) => response.writeHead(429, { "retry-after": "3600" }).end());
    const again = load({ cacheDir: join(use.cache, "2") });
    await expect(again).rejects.toMatchObject({ code: "hub_unreachable", message: expect.stringContaining("wait 3600 s") });
  });

  it("is given up in the end", async () => {
    disturb(99, (response) => response.writeHead(503).end());
    await expect(load()).rejects.toMatchObject({ code: "hub_unreachable", details: { attempts: 3, reason: "HTTP 503" } });
  });

  it("gives a new address when a signed one has run out", async () => {
    disturb(1, (response) => response.writeHead(403).end());
    await load();
    await expectWhole();
  });
});

describe("downloaded content", () => {
  it("is deleted when its hash is wrong", async () => {
    const wrong = bytes(weights.length, "wrong");
    disturb(9, (response) => response.writeHead(200, { "content-length": wrong.length }).end(wrong));
    await expect(load()).rejects.toMatchObject({
      code: "hub_corrupt_download",
      details: { file, what: "sha256", expected: sha256(weights), given: sha256(wrong) },
    });
    expect(blobs(use.cache)).toEqual([]);
    expect(existsSync(join(use.cache, "models--org--tiny/snapshots", commit, file))).toBe(false);
  });

  it("is checked against the git hash when the file is small", async () => {
    use.hub.rules.push((request, response) => {
      if (request.method !== "GET" || !request.url?.endsWith("/config.json")) return false;
      response.writeHead(200).end('{"model_type":"LLAMA"}');
      return true;
    });
    await expect(load({ files: () => ["config.json"] })).rejects.toMatchObject({ details: { what: "git blob sha1" } });
  });

  it("is refused when it is longer or shorter than the Hub says", async () => {
    disturb(1, (response) => response.writeHead(200).end(Buffer.concat([weights, weights])));
    await expect(load()).rejects.toMatchObject({ code: "hub_bad_response", message: expect.stringContaining("200000 bytes") });
    expect(blobs(use.cache)).not.toContain(sha256(weights));
    disturb(1, (response) => response.writeHead(200, { "content-length": 1000 }).end(weights.subarray(0, 1000)));
    await load(); // short: the rest is asked for
    await expectWhole();
  });

  it.each([
    ["good bytes", weights.subarray(0, 150_000), ["bytes=150000-"]],
    ["bad bytes", bytes(150_000, "bad"), ["bytes=150000-", undefined]],
    ["too many bytes", bytes(300_000, "more"), [undefined]],
    ["all bytes", weights, []],
  ] as const)("left by an earlier attempt: %s", async (_, content, expected) => {
    await leaveIncomplete(content);
    await load();
    await expectWhole();
    expect(ranges()).toEqual(expected);
  });

  it("may be empty", async () => {
    use.hub.repositories.set("org/empty", { commit, files: { "config.json": { content: Buffer.alloc(0) } } });
    const options = { endpoint: use.hub.endpoint, cacheDir: use.cache, retry, files: () => ["config.json"] };
    const model = await resolveModel("org/empty", options);
    expect(await model.readText("config.json")).toBe("");
  });

  it("is downloaded again when the blob is damaged (wrong size)", async () => {
    await leaveIncomplete(Buffer.alloc(0));
    writeFileSync(blob(), "short");
    await load();
    await expectWhole();
  });
});

describe("two calls at once", () => {
  it("download a file once", async () => {
    use.hub.pieceDelayMs = 5;
    const events: DownloadProgress[] = [];
    await Promise.all([1, 2, 3].map(() => load({ onProgress: (event) => events.push(event) })));
    await expectWhole();
    expect(ranges()).toEqual([undefined]);
    expect(events.filter(({ status }) => status === "cached").length).toBe(2);
  });
});

describe("an AbortSignal", () => {
  it("stops at once and leaves only .incomplete", async () => {
    use.hub.pieceDelayMs = 50;
    const controller = new AbortController();
    let loaded = 0;
    const onProgress = (event: DownloadProgress) => {
      loaded = event.loadedBytes;
    };
    const loading = load({ signal: controller.signal, onProgress });
    const outcome = expect(loading).rejects.toMatchObject({ code: "aborted" });
    await until(() => loaded > 0);
    const start = performance.now();
    controller.abort();
    await outcome;
    expect(performance.now() - start).toBeLessThan(200);
    expect(blobs(use.cache)).toEqual([`${sha256(weights)}.incomplete`]);
    await expect(load({ signal: controller.signal })).rejects.toMatchObject({ code: "aborted" });
    use.hub.pieceDelayMs = 0;
    await load();
    await expectWhole();
    expect(ranges().at(-1)).toMatch(/^bytes=[1-9]\d*-$/);
  });

  it("stops the wait between attempts", async () => {
    disturb(99, (response) => response.writeHead(503).end());
    const signal = AbortSignal.timeout(100);
    const slow = { attempts: 3, baseDelayMs: 60_000, maxDelayMs: 60_000 };
    await expect(load({ signal, retry: slow })).rejects.toMatchObject({ code: "aborted" });
  });
});

describe("progress", () => {
  it("starts, goes on at most ten times a second, and ends", async () => {
    use.hub.pieceDelayMs = 20;
    const events: (DownloadProgress & { at: number })[] = [];
    await load({ onProgress: (event) => events.push({ ...event, at: performance.now() }) });
    const total = { repository: "org/tiny", file, totalBytes: weights.length };
    expect(events[0]).toMatchObject({ ...total, status: "start", loadedBytes: 0 });
    expect(events.at(-1)).toMatchObject({ ...total, status: "done", loadedBytes: weights.length });
    const between = events.slice(1, -1);
    expect(between.length).toBeGreaterThan(0);
    for (const [index, event] of between.entries()) {
      expect(event.status).toBe("progress");
      expect(event.at - (events[index]?.at ?? 0)).toBeGreaterThan(95);
    }
  });
});

describe("the disk", () => {
  it.each([
    ["ENOSPC", "hub_disk_full", /200000 bytes needed, \d+ bytes free/],
    ["EDQUOT", "hub_disk_full", /HF_HUB_CACHE/],
    ["EROFS", "hub_cache_not_writable", /EROFS/],
  ])("%s is %s", async (code, expected, message) => {
    const error = await storageError(
      Object.assign(new Error(), { code, errno: -1 }),
      join(use.cache, "blob"),
      file,
      weights.length,
    );
    expect(error).toMatchObject({ code: expected, message: expect.stringMatching(message) });
  });

  it("is named as the cause when the cache cannot be made", async () => {
    writeFileSync(join(use.cache, "file"), "");
    await expect(load({ cacheDir: join(use.cache, "file") })).rejects.toMatchObject({ code: "hub_cache_not_writable" });
  });
});

/** Storage and mirrors that break their word: every call ends, in the file or in an error with a code. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { sha256 } from "../../test/helpers/fake-hub.ts";
import { blobs, bytes, commit, text, useFakeHub, weights } from "../../test/helpers/hub-fixtures.ts";
import { type ResolveOptions, resolveModel } from "./index.ts";

const use = useFakeHub();
const retry = { attempts: 3, baseDelayMs: 1, maxDelayMs: 5 };
const file = "model.safetensors";
const load = (options: ResolveOptions = {}, id = "org/tiny") =>
  resolveModel(id, { endpoint: use.hub.endpoint, cacheDir: use.cache, retry, files: () => [file], ...options });
const isContent = ({ method, url }: IncomingMessage) => method === "GET" && url?.startsWith("/storage/") === true;
const half = weights.subarray(0, 100_000);

/** Answers each content request; `start` is where its Range begins. Returns how many there were. */
function serve(answer: (response: ServerResponse, start: number, count: number) => void): () => number {
  let count = 0;
  use.hub.rules.push((request, response) => {
    if (!isContent(request)) return false;
    answer(response, Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? 0), ++count);
    return true;
  });
  return () => count;
}

/** Announces a size for the weights that the storage does not have. */
function announce(size: number): void {
  use.hub.rules.push((request, response) => {
    if (!request.url?.includes(`/resolve/${commit}/${file}`)) return false;
    response.setHeader("x-repo-commit", commit);
    response.setHeader("x-linked-etag", `"${sha256(weights)}"`);
    response.setHeader("x-linked-size", size);
    response.writeHead(302, { location: `http://localhost:${use.hub.port}/storage/org/tiny/file/${file}` }).end();
    return true;
  });
}

describe("a size that the storage does not have", () => {
  it.each([weights.length + 1, weights.length - 1, weights.length * 1000])("(%i bytes) ends in an error", async (size) => {
    announce(size);
    await expect(load()).rejects.toMatchObject({
      code: "hub_corrupt_download",
      details: { what: "size", expected: `${size} bytes`, given: expect.stringContaining("200000 bytes") },
    });
    expect(use.hub.contentRequests(file).length).toBe(3);
    expect(blobs(use.cache)).toEqual([]);
  });

  it("ends in an error where answers do not say how long they are", async () => {
    announce(weights.length * 1000);
    const count = serve((response, start) => response.writeHead(start > 0 ? 416 : 200).end(start > 0 ? "" : weights));
    await expect(load()).rejects.toMatchObject({ code: expect.stringMatching(/hub_(corrupt_download|unreachable)/) });
    expect(count()).toBeLessThan(10);
  });
});

describe("a storage", () => {
  it.each<[string, (response: ServerResponse, start: number) => void]>([
    ["ends at the same byte each time", (response) => response.writeHead(200).end(half)],
    ["repeats the first range", (response) => response.writeHead(206, { "content-range": "bytes 0-99999/200000" }).end(half)],
    ["sends nothing", (response) => response.writeHead(200).end()],
    ["knows no range", (response, start) => response.writeHead(start > 0 ? 416 : 200).end(half)],
    ["answers 206 to everything", (response) => response.writeHead(206).end(half)],
    ["names a range of no numbers", (response) => response.writeHead(206, { "content-range": "bytes a-b/c" }).end(half)],
    [
      "brings one byte each time",
      (response, start) => {
        const range = `bytes ${start}-199999/200000`;
        if (start > 0) response.writeHead(206, { "content-range": range });
        response.end(weights.subarray(start, start + 1));
      },
    ],
  ])("that %s uses the attempts up", async (_, answer) => {
    const count = serve(answer);
    await expect(load()).rejects.toMatchObject({ code: expect.stringMatching(/hub_(corrupt_download|unreachable)/) });
    expect(count()).toBeLessThan(10);
    expect(blobs(use.cache)).not.toContain(sha256(weights));
  });

  it("that sends the wrong bytes for a range is asked once more for the whole file", async () => {
    const bad = bytes(weights.length, "bad");
    serve((response, start, count) => {
      if (start > 0) response.writeHead(206, { "content-range": `bytes ${start}-199999/200000` });
      if (count === 1) response.write(half, () => setTimeout(() => response.destroy(), 30));
      else response.end(count === 2 ? bad.subarray(start) : weights);
    });
    await load();
    expect(readFileSync(join(use.cache, "models--org--tiny/blobs", sha256(weights))).equals(weights)).toBe(true);
  });

  it("that sends without end is stopped at the size of the file", async () => {
    let sent = 0;
    serve((response) => {
      const more = () => {
        for (let free = true; free && !response.destroyed; sent += half.length) free = response.write(half);
      };
      response.on("drain", more);
      more();
    });
    await expect(load()).rejects.toMatchObject({ code: "hub_bad_response", message: expect.stringContaining("200000 bytes") });
    expect(sent).toBeLessThan(20_000_000);
  });

  it("that drips is left after HF_HUB_DOWNLOAD_TIMEOUT", async () => {
    vi.stubEnv("HF_HUB_DOWNLOAD_TIMEOUT", "0.2");
    serve((response) => {
      const timer = setInterval(() => response.write("x"), 20);
      response.on("close", () => clearInterval(timer));
    });
    await expect(load()).rejects.toThrow(/less than 1024 bytes in 200 ms \(HF_HUB_DOWNLOAD_TIMEOUT\)/);
  });
});

describe("etags", () => {
  /** Serves two files of a mirror, which has etags of its own. */
  function mirror(etags: Record<string, string>): void {
    const files = { "config.json": text({ a: 1 }), "tokenizer.json": text({ b: 2 }) };
    use.hub.repositories.set("org/mirror", { commit, files });
    use.hub.rules.push((request, response) => {
      const name = request.url?.split("/").at(-1) ?? "";
      if (!request.url?.includes("/resolve/") || !(name in etags)) return false;
      response.setHeader("etag", etags[name] ?? "");
      const { content } = files[name as keyof typeof files];
      response.writeHead(200, { "content-length": content.length }).end(request.method === "HEAD" ? undefined : content);
      return true;
    });
  }

  it.each([
    ['"same"', '"same"'],
    ['W/"same"', '"same"'],
    ["1", "1"],
    ['"../../../evil"', '"/etc/passwd"'],
    ['"5f3-abc/d+e==:gzip"', '"a b\\"c"'],
    [`"${"x".repeat(4000)}"`, '"CON"'],
  ])("%s and %s of two files keep them apart, in the cache", async (first, second) => {
    mirror({ "config.json": first, "tokenizer.json": second });
    const files = () => ["config.json", "tokenizer.json"];
    for (const tellsSizes of [true, false]) {
      use.hub.tellsSizes = tellsSizes;
      const cacheDir = join(use.cache, `${tellsSizes}`);
      const model = await load({ files, cacheDir }, "org/mirror");
      expect(await model.readJson("config.json")).toEqual({ a: 1 });
      expect(await model.readJson("tokenizer.json")).toEqual({ b: 2 });
      const name = tellsSizes ? /^[0-9a-f]{40}$/ : /^etag-[0-9a-f]{40}$/;
      expect(blobs(cacheDir, "models--org--mirror")).toEqual([expect.stringMatching(name), expect.stringMatching(name)]);
    }
    expect(existsSync(join(use.cache, "../evil"))).toBe(false);
  });

  it("that are no hashes are replaced by those in the listing, which the content must have", async () => {
    mirror({ "config.json": '"v1"' });
    use.hub.rules.unshift((request, response) => {
      if (request.method !== "GET" || !request.url?.endsWith("/config.json")) return false;
      response.writeHead(200, { etag: '"v1"' }).end('{"a":2}');
      return true;
    });
    await expect(load({ files: () => ["config.json"] }, "org/mirror")).rejects.toMatchObject({
      code: "hub_corrupt_download",
      details: { what: "git blob sha1" },
    });
  });

  it("that are equal hashes are one blob", async () => {
    const same = { content: half, lfs: true };
    use.hub.repositories.set("org/same", { commit, files: { "a.safetensors": same, "b.safetensors": same } });
    const model = await load({ files: (names) => names.filter((name) => name.length === 13) }, "org/same");
    expect(await model.list()).toEqual(["a.safetensors", "b.safetensors"]);
    expect(blobs(use.cache, "models--org--same")).toEqual([sha256(half)]);
    expect(use.hub.seen.filter(({ method, path }) => method === "GET" && path.startsWith("/storage/")).length).toBe(1);
  });

  it("that are missing are an error", async () => {
    mirror({ "config.json": '""' });
    await expect(load({ files: () => ["config.json"] }, "org/mirror")).rejects.toThrow(/no ETag/);
  });

  it("that are weak and no hash do not continue what lies there", async () => {
    use.hub.tellsSizes = false;
    mirror({ "config.json": 'W/"v1"' });
    const files = () => ["config.json"];
    await load({ files }, "org/mirror");
    const [blob = ""] = blobs(use.cache, "models--org--mirror");
    const folder = join(use.cache, "2/models--org--mirror/blobs");
    await load({ files, cacheDir: join(use.cache, "2") }, "org/mirror");
    writeFileSync(join(folder, `${blob}.incomplete`), "[[[");
    await load({ files, cacheDir: join(use.cache, "2"), forceDownload: true }, "org/mirror");
    expect(readFileSync(join(folder, blob), "utf8")).toBe('{"a":1}');
  });
});

describe("what a repository may ask for", () => {
  it("is at most 512 MiB for a file that is read whole", async () => {
    use.hub.rules.push((request, response) => {
      if (request.method !== "HEAD" || !request.url?.endsWith("/config.json")) return false;
      response.writeHead(200, { etag: '"abc"', "content-length": 2 ** 40 }).end();
      return true;
    });
    await expect(load({ files: () => ["config.json"] })).rejects.toMatchObject({
      code: "hub_bad_response",
      message: expect.stringMatching(/1099511627776 bytes.*536870912/),
    });
  });

  it("is at most 10,000 files", async () => {
    const files = Object.fromEntries(Array.from({ length: 10_001 }, (_, index) => [`${index}.model`, text("x")]));
    use.hub.repositories.set("org/many", { commit, files: { "config.json": text({}), ...files } });
    await expect(load({ files: undefined }, "org/many")).rejects.toThrow(/at most 10000 files.*10002/);
  });
});

/** What a server answers: bounds on its length and time, and what of it is printed. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { describe, expect, it, vi } from "vitest";
import { commit, text, useFakeHub } from "../../test/helpers/hub-fixtures.ts";
import { type ResolveOptions, resolveModel } from "./index.ts";

const use = useFakeHub();
const retry = { attempts: 2, baseDelayMs: 1, maxDelayMs: 5 };
const load = (options: ResolveOptions = {}) =>
  resolveModel("org/tiny", { endpoint: use.hub.endpoint, cacheDir: use.cache, retry, ...options });

function answer(handle: (response: ServerResponse, request: IncomingMessage) => void): void {
  use.hub.rules = [
    (request, response) => {
      handle(response, request);
      return true;
    },
  ];
}

/** Writes pieces until the connection is closed. */
function pour(piece: string, everyMs: number): void {
  answer((response) => {
    const timer = setInterval(() => {
      if (!response.writableNeedDrain) response.write(piece);
    }, everyMs);
    response.on("close", () => clearInterval(timer));
  });
}

describe("an answer of the API", () => {
  it("that says nothing is left after HF_HUB_ETAG_TIMEOUT", async () => {
    vi.stubEnv("HF_HUB_ETAG_TIMEOUT", "0.2");
    answer(() => {});
    await expect(load()).rejects.toMatchObject({
      code: "hub_unreachable",
      message: expect.stringContaining("no answer in 200 ms"),
    });
  });

  it("whose body stands still is left after HF_HUB_DOWNLOAD_TIMEOUT", async () => {
    vi.stubEnv("HF_HUB_DOWNLOAD_TIMEOUT", "0.2");
    answer((response) => response.writeHead(200).write('{"sha":'));
    await expect(load()).rejects.toMatchObject({
      code: "hub_unreachable",
      message: expect.stringContaining("no data for 200 ms"),
    });
  });

  it("whose body drips is left after six times that", async () => {
    vi.stubEnv("HF_HUB_DOWNLOAD_TIMEOUT", "0.1");
    pour(" ", 10);
    await expect(load()).rejects.toMatchObject({ code: "hub_bad_response", message: expect.stringContaining("does not end") });
  });

  it("may have 32 MiB", async () => {
    pour("x".repeat(1 << 20), 0);
    await expect(load()).rejects.toThrow(/at most 33554432 bytes/);
    answer((response) => response.writeHead(200, { "content-length": 10 ** 12 }).write("{"));
    await expect(load()).rejects.toThrow(/at most 33554432 bytes, and has 1000000000000 bytes/);
  });

  it("may not redirect for ever, or out of the web", async () => {
    answer((response, { url }) => response.writeHead(302, { location: `${url}x` }).end());
    await expect(load()).rejects.toThrow(/more than 10 redirects/);
    const body = encodeURIComponent(JSON.stringify({ sha: commit, siblings: [] }));
    for (const location of [`data:application/json,${body}`, "file:///etc/passwd", "http://a:b@127.0.0.1/", "http://["]) {
      answer((response) => response.writeHead(302, { location }).end());
      await expect(load()).rejects.toMatchObject({
        code: "hub_bad_response",
        message: expect.stringContaining("redirects to"),
      });
    }
  });

  it("may not flood with headers", async () => {
    let count = 0;
    answer((response) => {
      count++;
      response.writeHead(200, { "x-long": "a".repeat(100_000) }).end();
    });
    await expect(load()).rejects.toMatchObject({ code: "hub_bad_response", message: expect.stringContaining("headers") });
    expect(count).toBe(1);
  });

  it.each([
    "null",
    "[]",
    "5",
    "{}",
    `{"sha":"${commit}"}`,
    `{"sha":"${commit}","siblings":{}}`,
    `{"sha":"${commit}","siblings":[null]}`,
    "",
  ])("%j is no answer of a Hub", async (body) => {
    answer((response) => response.end(body));
    await expect(load()).rejects.toMatchObject({ code: "hub_bad_response" });
  });

  it.each(["/etc/x", "../x", "C:\\x", "a\0", ".git/hooks/x", "aux.json", "\x1b[2J.json"])(
    "may not name the file %j",
    async (name) => {
      use.hub.repositories.set("org/tiny", { commit, files: { "config.json": text({}), [name]: text({}) } });
      const refused = load().catch((error: Error) => error);
      expect(await refused).toMatchObject({ code: "hub_bad_response", message: expect.stringContaining("is refused") });
      expect(((await refused) as Error).message).not.toMatch(/[\0-\x1f]/);
    },
  );
});

describe("the words of a server", () => {
  it("are printed without control characters, cut", async () => {
    answer((_, { socket }) => {
      const message = `\x9b31mred\x85${"long ".repeat(200)}`;
      socket.end(`HTTP/1.1 403 no\r\nx-error-message: ${message}\r\ncontent-length: 0\r\n\r\n`, "latin1");
    });
    const error = await load().catch((caught: Error) => caught as Error);
    expect(error).toMatchObject({ code: "hub_access_denied", message: expect.stringContaining("\\x9b31mred\\x85long") });
    expect((error as Error).message.length).toBeLessThan(500);
  });

  it("in files are printed without them too", async () => {
    use.hub.repositories.set("org/tiny", { commit, files: { "config.json": text("\x1b[31m{") } });
    const model = await load({ files: () => ["config.json"] });
    const error = await model.readJson("config.json").catch((caught: Error) => caught as Error);
    expect((error as Error).message).not.toContain("\x1b");
    expect((error as Error).message).toContain("`tsumugi download org/tiny --force`");
  });

  it("do not show the signature of an address", async () => {
    use.hub.rules = [
      ({ url }, response) => {
        if (!url?.includes("/resolve/")) return false;
        response.writeHead(302, { location: `http://localhost:1/file?X-Signature=secret`, etag: '"abc"' }).end();
        return true;
      },
    ];
    const error = await load({ files: () => ["config.json"] }).catch((caught: Error) => caught as Error);
    expect((error as Error).message).toContain("http://localhost:1/file?…");
    expect((error as Error).message).not.toContain("secret");
  });
});

import { readFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { useFakeHub, weights } from "../../test/helpers/hub-fixtures.ts";
import { LoopbackProxy } from "../../test/helpers/loopback-proxy.ts";
import { type ResolveOptions, resolveModel } from "./index.ts";

const use = useFakeHub();
let proxy: LoopbackProxy;
const retry = { attempts: 2, baseDelayMs: 1, maxDelayMs: 5 };
const load = (options: ResolveOptions = {}) =>
  resolveModel("org/tiny", { endpoint: use.hub.endpoint, cacheDir: use.cache, retry, ...options });

beforeEach(async () => {
  proxy = await new LoopbackProxy().listen();
});
afterEach(() => proxy.close());

describe("a proxy of the environment", () => {
  it.each(["HTTP_PROXY", "http_proxy", "ALL_PROXY"])("of %s is asked for whole addresses", async (variable) => {
    vi.stubEnv(variable, proxy.address);
    use.hub.drops = [50_000];
    const model = await load();
    expect(readFileSync(model.path("model.safetensors") ?? "").equals(weights)).toBe(true);
    expect(proxy.seen.length).toBeGreaterThan(11);
    expect(proxy.seen[0]).toMatchObject({
      method: "GET",
      target: `${use.hub.endpoint}/api/models/org/tiny/revision/main?blobs=true`,
    });
    expect(proxy.seen.filter(({ method }) => method === "CONNECT")).toEqual([]);
  });

  it("gets name and password, and the Hub does not", async () => {
    proxy.credentials = "me:s@cret";
    vi.stubEnv("HTTP_PROXY", `http://me:s%40cret@${proxy.address}`);
    await load({ token: "hf_right" });
    expect(new Set(proxy.seen.map(({ authorization }) => authorization))).toEqual(new Set(["me:s@cret"]));
    expect(use.hub.seen[0]?.authorization).toBe("Bearer hf_right");
  });

  it.each([
    ["", /asks for a name and a password/],
    ["me:wrong@", /refuses the name and password/],
  ])("that refuses %j is named, once", async (credentials, message) => {
    proxy.credentials = "me:secret";
    for (const endpoint of [use.hub.endpoint, "https://hub.invalid"]) {
      for (const variable of ["HTTP_PROXY", "HTTPS_PROXY"]) vi.stubEnv(variable, `http://${credentials}${proxy.address}`);
      proxy.seen.length = 0;
      await expect(load({ endpoint })).rejects.toMatchObject({
        code: "hub_proxy_invalid",
        message: expect.stringMatching(message),
      });
      expect(proxy.seen.length).toBe(1);
    }
  });

  it("opens a tunnel for https", async () => {
    vi.stubEnv("https_proxy", `http://me:secret@${proxy.address}`);
    const refused = load({ endpoint: "https://hub.invalid" });
    await expect(refused).rejects.toMatchObject({
      code: "hub_unreachable",
      message: expect.stringContaining(
        `(403) !== 200 when HTTP Tunneling, through the proxy http://${proxy.address} of https_proxy`,
      ),
    });
    await expect(refused).rejects.not.toThrow("secret");
    expect(proxy.seen).toEqual(Array(2).fill({ method: "CONNECT", target: "hub.invalid:443", authorization: "me:secret" }));
  });

  it("is left out for hosts of NO_PROXY, one by one", async () => {
    vi.stubEnv("HTTP_PROXY", proxy.address);
    vi.stubEnv("NO_PROXY", "localhost");
    await load();
    expect(proxy.seen.length).toBeGreaterThan(0);
    expect(proxy.seen.filter(({ target }) => target.startsWith("http://localhost"))).toEqual([]);
    expect(use.hub.seen.filter(({ host }) => host.startsWith("localhost")).length).toBeGreaterThan(0);
    proxy.seen.length = 0;
    vi.stubEnv("NO_PROXY", "127.0.0.0/8,localhost");
    await load({ forceDownload: true });
    expect(proxy.seen).toEqual([]);
  });

  it("that is not there, or no proxy, is named", async () => {
    vi.stubEnv("HTTP_PROXY", "127.0.0.1:1");
    await expect(load()).rejects.toMatchObject({
      code: "hub_unreachable",
      message: expect.stringContaining("http://127.0.0.1:1 of HTTP_PROXY"),
    });
    vi.stubEnv("HTTP_PROXY", "socks5://127.0.0.1:1");
    await expect(load()).rejects.toMatchObject({ code: "hub_proxy_invalid" });
  });

  it("is not asked where a call brings its own fetch", async () => {
    vi.stubEnv("HTTP_PROXY", "127.0.0.1:1");
    await load({ fetch: (...call) => globalThis.fetch(...call) });
    expect(proxy.seen).toEqual([]);
  });

  it("keeps the bounds of answers", async () => {
    vi.stubEnv("HTTP_PROXY", proxy.address);
    vi.stubEnv("HF_HUB_DOWNLOAD_TIMEOUT", "0.2");
    use.hub.rules = [(_, response) => response.writeHead(200).write("{") !== undefined];
    await expect(load()).rejects.toMatchObject({
      code: "hub_unreachable",
      message: expect.stringContaining("no data for 200 ms"),
    });
    const stopped = load({ signal: AbortSignal.timeout(50) });
    await expect(stopped).rejects.toMatchObject({ code: "aborted" });
  });
});

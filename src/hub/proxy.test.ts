import { describe, expect, it } from "vitest";
import { isExempt, proxyFor } from "./proxy.ts";

const https = "https://hub.example/x";
const http = "http://hub.example/x";

describe("proxyFor", () => {
  it.each<[string, Record<string, string>, string | undefined]>([
    [https, {}, undefined],
    [https, { HTTPS_PROXY: "http://p:3128" }, "http://p:3128"],
    [https, { https_proxy: "http://small:1", HTTPS_PROXY: "http://p:3128" }, "http://small:1"],
    [https, { https_proxy: "", HTTPS_PROXY: "http://p:3128" }, undefined],
    [https, { https_proxy: "", HTTPS_PROXY: "http://p:3128", ALL_PROXY: "http://all:1" }, "http://all:1"],
    [https, { HTTP_PROXY: "http://p:3128" }, undefined],
    [http, { HTTP_PROXY: "http://p:3128" }, "http://p:3128"],
    [http, { HTTP_PROXY: "http://p:3128", REQUEST_METHOD: "GET" }, undefined],
    [http, { http_proxy: "http://p:3128", REQUEST_METHOD: "GET" }, "http://p:3128"],
    [http, { ALL_PROXY: "p:3128" }, "http://p:3128"],
    [https, { HTTPS_PROXY: "p" }, "http://p"],
    [https, { HTTPS_PROXY: "https://secure.example:8443/" }, "https://secure.example:8443"],
    [https, { HTTPS_PROXY: "http://[::1]:3128" }, "http://[::1]:3128"],
    [https, { HTTPS_PROXY: "http://p:1", NO_PROXY: "hub.example" }, undefined],
    [https, { HTTPS_PROXY: "http://p:1", NO_PROXY: "hub.example", no_proxy: "" }, "http://p:1"],
    [https, { HTTPS_PROXY: "not an address", NO_PROXY: "*" }, undefined],
  ])("%s with %j: %s", (address, variables, expected) => {
    expect(proxyFor(address, variables)?.uri).toBe(expected);
  });

  it.each([
    ["http://me:secret@p:1", "me:secret"],
    ["me:s%40cret@p:1", "me:s@cret"],
    ["http://me@p:1", "me:"],
    ["http://%E6%97%A5:%@p:1", "日:%"],
  ])("takes name and password out of %s", (value, expected) => {
    const proxy = proxyFor(https, { HTTPS_PROXY: value });
    expect(proxy?.uri).toBe("http://p:1");
    expect(Buffer.from(proxy?.authorization?.slice(6) ?? "", "base64").toString()).toBe(expected);
  });

  it.each([
    ["socks5://me:secret@p:1080", "SOCKS", "socks5://…@p:1080"],
    ["socks5h://p:1080", "SOCKS", "socks5h://p:1080"],
    ["ftp://p", "neither http nor https", "ftp://p"],
    ["http://", "no address", "http://"],
    ["http://p:99999", "no address", "http://p:99999"],
    ["me:secret@p:x\x1b", "no address", "…@p:x\\x1b"],
  ])("refuses %j by the variable's name, without the password", (value, reason, given) => {
    const error = expect.objectContaining({
      code: "hub_proxy_invalid",
      details: expect.objectContaining({ variable: "ALL_PROXY", given }),
    });
    expect(() => proxyFor(https, { ALL_PROXY: value })).toThrow(error);
    expect(() => proxyFor(https, { ALL_PROXY: value })).toThrow(reason);
    expect(() => proxyFor(https, { ALL_PROXY: value })).not.toThrow("secret");
  });
});

describe("isExempt", () => {
  it.each([
    ["example.com", "http://example.com/", true],
    ["example.com", "https://www.example.com/", true],
    ["example.com", "http://wwwexample.com/", false],
    ["EXAMPLE.com", "http://example.com/", true],
    ["example.com.", "http://example.com/", true],
    [".example.com", "http://example.com/", false],
    [".example.com", "http://www.example.com/", true],
    ["*.example.com", "http://www.example.com/", true],
    ["*.example.com", "http://example.com/", false],
    ["*example.com", "http://example.com/", true],
    ["com", "http://example.com/", true],
    ["ample.com", "http://example.com/", false],
    ["example.com:8080", "http://example.com:8080/", true],
    ["example.com:8080", "http://example.com/", false],
    ["example.com:443", "https://example.com/", true],
    ["http://example.com", "http://example.com/", true],
    ["http://example.com", "https://example.com/", false],
    ["http://example.com", "http://www.example.com/", false],
    ["all://example.com", "https://example.com/", true],
    ["a.org , example.com", "http://example.com/", true],
    ["a.org example.com", "http://example.com/", true],
    ["a.org,*", "http://example.com/", true],
    ["localhost", "http://localhost/", true],
    ["localhost", "http://sub.localhost/", false],
    ["localhost:1234", "http://localhost:1234/", true],
    ["127.0.0.1", "http://127.0.0.1:8080/", true],
    ["127.0.0.1:8080", "http://127.0.0.1:8080/", true],
    ["127.0.0.1:8080", "http://127.0.0.1/", false],
    ["127.0.0.0/8", "http://127.1.2.3/", true],
    ["127.0.0.0/33", "http://127.0.0.0/", false],
    ["10.0.0.0/8", "http://127.1.2.3/", false],
    ["0.1", "http://127.0.0.1/", true],
    ["::1", "http://[::1]/", true],
    ["[::1]:80", "http://[::1]/", true],
    ["fe80::/10", "http://[fe80::1]/", true],
    ["::1", "http://127.0.0.1/", false],
    [",, ,", "http://example.com/", false],
    ["", "http://example.com/", false],
    ["[", "http://example.com/", false],
    [":80", "http://example.com/", false],
  ])("NO_PROXY=%s excepts %s: %s", (list, url, expected) => {
    expect(isExempt(new URL(url), list)).toBe(expected);
  });

  it("reads a long list in time", () => {
    expect(isExempt(new URL("http://example.com"), "a.org,".repeat(100_000))).toBe(false);
    expect(isExempt(new URL("http://example.com"), "*".repeat(100_000))).toBe(false);
  });
});

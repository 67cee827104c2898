import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { tinyRepository, useFakeHub } from "../../test/helpers/hub-fixtures.ts";
import { setWarningHandler } from "../util/warnings.ts";
import { readHubEnvironment } from "./environment.ts";
import { type ResolveOptions, resolveModel } from "./index.ts";
import { findToken, locateToken } from "./token.ts";

const use = useFakeHub();
const retry = { attempts: 2, baseDelayMs: 1, maxDelayMs: 5 };
const load = (options: ResolveOptions = {}) =>
  resolveModel("org/tiny", { endpoint: use.hub.endpoint, cacheDir: use.cache, retry, ...options });
const warnings: string[] = [];
const tokenFile = () => join(use.cache, "home/token");

beforeEach(() => {
  warnings.length = 0;
  setWarningHandler((message) => warnings.push(message));
  mkdirSync(join(use.cache, "home"));
});
afterEach(() => setWarningHandler());

describe("a token", () => {
  it.each([
    [" hf_a\n", "hf_a"],
    ["hf_a\r\nb", "hf_ab"],
    ["   ", undefined],
    ["\n", undefined],
  ])("%j is cleaned as Python cleans it", async (token, expected) => {
    expect(await findToken(token)).toBe(expected);
  });

  it.each([
    ["hf_a b", "character 5 of 6 is a blank"],
    ["hf_\u00a0b", "character 4 of 5 is a blank"],
    ["hf_日本", "character 4 of 5 is not a printable ASCII character"],
    ["hf_\x1b[0m", "character 4 of 7 is not a printable"],
    ["“hf_a”", "character 1 of 6"],
  ])("%j is refused by its place, and never shown or sent", async (token, reason) => {
    const error = await load({ token }).catch((caught: Error) => caught as Error);
    expect(error).toMatchObject({ code: "hub_token_invalid", message: expect.stringContaining(reason) });
    expect((error as Error).message).not.toContain(token);
    vi.stubEnv("HF_TOKEN", token);
    await expect(load()).rejects.toThrow(/token of HF_TOKEN cannot be sent/);
    vi.stubEnv("HF_TOKEN", "");
    vi.stubEnv("HUGGING_FACE_HUB_TOKEN", token);
    await expect(load()).rejects.toThrow(/token of HUGGING_FACE_HUB_TOKEN cannot be sent/);
    vi.stubEnv("HUGGING_FACE_HUB_TOKEN", "");
    writeFileSync(tokenFile(), token, { mode: 0o600 });
    await expect(load()).rejects.toThrow(/token of the file .*token cannot be sent/);
    expect(use.hub.seen).toEqual([]);
  });

  it("that is blank in one place is looked for in the next", async () => {
    writeFileSync(tokenFile(), "hf_file", { mode: 0o600 });
    vi.stubEnv("HF_TOKEN", "  \n");
    expect(await locateToken(undefined, readHubEnvironment())).toEqual({ value: "hf_file", source: `the file ${tokenFile()}` });
  });
});

describe.skipIf(process.platform === "win32")("a token file", () => {
  it.each([
    [0o644, 1],
    [0o640, 1],
    [0o604, 1],
    [0o600, 0],
    [0o400, 0],
  ])("of mode %o is warned of once where others can read it", async (mode, expected) => {
    writeFileSync(tokenFile(), "hf_file");
    chmodSync(tokenFile(), mode);
    await load();
    await load();
    expect(warnings.length).toBe(expected);
    if (expected > 0) expect(warnings[0]).toContain(`chmod 600 ${tokenFile()}`);
    expect(warnings.join()).not.toContain("hf_file");
  });

  it("is not looked at where another token is sent", async () => {
    writeFileSync(tokenFile(), "hf_file");
    chmodSync(tokenFile(), 0o644);
    await load({ token: "" });
    vi.stubEnv("HF_TOKEN", "hf_right");
    await load();
    vi.stubEnv("HF_TOKEN", "");
    vi.stubEnv("HF_HUB_DISABLE_IMPLICIT_TOKEN", "1");
    await load();
    expect(warnings).toEqual([]);
    expect(use.hub.seen.filter(({ authorization }) => authorization === "Bearer hf_file")).toEqual([]);
  });

  it("that cannot be read is warned of", async () => {
    mkdirSync(tokenFile());
    await load();
    expect(warnings).toEqual([expect.stringMatching(/token cannot be read \(EISDIR\)/)]);
  });
});

describe("a refused token", () => {
  const refuse = (status: number, headers: Record<string, string>) => {
    use.hub.rules = [(_, response) => Boolean(response.writeHead(status, headers).end())];
  };
  const invalid = { "x-error-message": "Invalid credentials in Authorization header" };

  it("is named by where it came from", async () => {
    refuse(401, invalid);
    await expect(load({ token: "hf_wrong" })).rejects.toMatchObject({
      code: "hub_access_denied",
      message: expect.stringMatching(/token of the option `token` is wrong, was revoked or has expired/),
    });
    vi.stubEnv("HF_TOKEN", "hf_wrong");
    await expect(load()).rejects.toThrow(/token of HF_TOKEN is wrong/);
    vi.stubEnv("HF_TOKEN", "");
    writeFileSync(tokenFile(), "hf_wrong", { mode: 0o600 });
    await expect(load()).rejects.toThrow(/token of the file .*home.token is wrong/);
  });

  it.each<[number, Record<string, string>, string, RegExp]>([
    [401, { "x-error-code": "GatedRepo" }, "hub_gated", /accept its licence.*of HF_TOKEN/],
    [403, { "x-error-code": "GatedRepo" }, "hub_gated", /accept its licence/],
    [401, { "x-error-code": "RepoNotFound" }, "hub_repository_not_found", /private/],
    [403, { "x-error-message": "Your token lacks `read`" }, "hub_access_denied", /Your token lacks `read`.*of HF_TOKEN/],
    [403, {}, "hub_access_denied", /HTTP 403/],
  ])("%i %j is %s", async (status, headers, code, message) => {
    refuse(status, headers);
    vi.stubEnv("HF_TOKEN", "hf_wrong");
    await expect(load()).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
  });

  it("is sent to no other host, port or scheme that it is redirected to", async () => {
    use.hub.repositories.set("org/tiny", { ...tinyRepository(), private: true });
    const seen: (string | undefined)[] = [];
    use.hub.rules = [
      ({ headers, url }, response) => {
        if (!headers.host?.startsWith("127.0.0.1")) {
          seen.push(headers.authorization);
          return Boolean(response.writeHead(404).end());
        }
        return Boolean(response.writeHead(307, { location: `http://localhost:${use.hub.port}${url}` }).end());
      },
    ];
    await expect(load({ token: "hf_right" })).rejects.toMatchObject({ code: "hub_repository_not_found" });
    expect(seen).toEqual([undefined]);
  });
});

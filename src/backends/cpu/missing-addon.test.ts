import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { missingAddon, staleAddon } from "./missing-addon.ts";

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "tsumugi-addon-"));
  mkdirSync(join(root, "native/build"), { recursive: true });
});
afterEach(() => {
  rmSync(root, { recursive: true });
  vi.unstubAllEnvs();
});

/** The error where the last build left this record. */
function errorAfter(record: object | string | undefined, cause?: unknown) {
  const text = typeof record === "string" ? record : JSON.stringify(record);
  if (text !== undefined) writeFileSync(join(root, "native/build/record.json"), text);
  return missingAddon(join(root, "native/build/Release/tsumugi.node"), cause, root);
}

const here = { platform: process.platform, arch: process.arch };

describe("the error for a missing addon", () => {
  it("names the tools that the build did not find, and how to get them", () => {
    const { code, details, message } = errorAfter({ outcome: "tools", missing: ["g++", "make"] });
    expect(code).toBe("native_addon_missing");
    expect(details.kind).toBe("no_compiler");
    expect(message).toMatch(
      /not found on this machine: g\+\+, make\. Install it \(.+\), then run `node ".+build-native\.mjs"`/,
    );
    expect(message).toContain("or use device `reference`");
  });

  it("has the error, the log and the last lines of a build that failed", () => {
    const record = { outcome: "failed", summary: "attend.cc:3: error: no such thing", lastLines: ["make: a", "make: b"] };
    const { details, message } = errorAfter(record);
    expect(details.kind).toBe("build_failed");
    expect(message).toContain("attend.cc:3: error: no such thing");
    expect(message).toContain(join(root, "native/build/build.log"));
    expect(message).toMatch(/The last lines of the build:\n {2}make: a\n {2}make: b$/);
  });

  it.each([undefined, "", "{", "null", "[]", '{"outcome": 3}'])("says that no script ran where the record is %j", (record) => {
    const { details, message } = errorAfter(record);
    expect(details.kind).toBe("scripts_blocked");
    expect(message).toContain("--ignore-scripts");
    expect(message).toContain("pnpm approve-builds");
  });

  it("tells a build that did not end", () => {
    expect(errorAfter({ outcome: "started", ...here }).details.kind).toBe("build_interrupted");
  });

  it("tells a path that the user has named", () => {
    vi.stubEnv("TSUMUGI_ADDON_PATH", "/nowhere/tsumugi.node");
    expect(errorAfter({ outcome: "tools", missing: ["g++"] })).toMatchObject({
      details: { kind: "path" },
      message: expect.stringContaining("TSUMUGI_ADDON_PATH"),
    });
  });

  it("tells an addon that was built elsewhere", () => {
    const cause = new Error("invalid ELF header");
    const { details, message } = errorAfter({ outcome: "built", platform: "plan9", arch: "x64" }, cause);
    expect(details.kind).toBe("not_loadable");
    expect(message).toContain(`built for plan9 x64, and this is ${process.platform} ${process.arch} (invalid ELF header)`);
    expect(message).toContain('build-native.mjs" --force`');
  });
});

describe("the error for an addon of other sources", () => {
  it("says what tells so, and how to rebuild it", () => {
    const { code, details, message } = staleAddon("/p/tsumugi.node", "it has no kernel for `embed`", "/p");
    expect(code).toBe("native_addon_missing");
    expect(details.kind).toBe("stale");
    expect(message).toContain("/p/tsumugi.node was built from other sources (it has no kernel for `embed`).");
    expect(message).toContain("Rebuild it: `npm rebuild tsumugi`");
  });
});

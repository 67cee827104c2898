import { describe, expect, it } from "vitest";
import { fileNameProblem } from "./file-name.ts";

describe("fileNameProblem", () => {
  it.each([
    "config.json",
    ".gitattributes",
    ".github/workflows/a.yml",
    "additional_chat_templates/rag.jinja",
    "日本語 モデル.json",
    "what?.png",
    "ab:c",
    "console.json",
    "auxiliary/nullable.txt",
    "COM.txt",
    "com10",
    "git~x",
  ])("takes %j", (name) => {
    expect(fileNameProblem(name, "linux")).toBeUndefined();
  });

  it.each([
    "",
    "/etc/passwd",
    "../a",
    "a/../b",
    "a//b",
    "a/",
    "./a",
    "a\\..\\b",
    "C:/a",
    "c:a",
    "a\0.json",
    "a\nb",
    "\x1b[31m.json",
    "a\x9b.json",
    "a\u202enosj.exe",
    ".git/hooks/post-checkout",
    "sub/.GIT/config",
    ".git ",
    ".git.",
    ".g\u200cit/config",
    "GIT~1/config",
    ".git::$INDEX_ALLOCATION/config",
    "CON",
    "nul.txt",
    "sub/aux.json",
    "lpt1 .md",
    "COM¹",
    "conin$",
  ])("refuses %j", (name) => {
    expect(fileNameProblem(name, "linux")).toEqual(expect.any(String));
  });

  it("refuses names of more than 1,000 characters", () => {
    expect(fileNameProblem("a".repeat(1000), "linux")).toBeUndefined();
    expect(fileNameProblem("a".repeat(1001), "linux")).toContain("1,000");
  });

  it.each(["what?.png", "ab:c", "a.", "b/c "])("refuses %j on Windows only", (name) => {
    expect(fileNameProblem(name, "win32")).toEqual(expect.any(String));
    expect(fileNameProblem(name, "linux")).toBeUndefined();
  });
});

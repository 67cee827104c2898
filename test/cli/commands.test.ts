import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { runCli } from "./run-cli.ts";

describe("tsumugi", () => {
  it("prints its help and its version", async () => {
    const help = await runCli(["--help"]);
    expect(help.code).toBe(0);
    for (const command of ["generate", "chat", "download", "info", "memory"]) expect(help.stdout).toContain(command);
    const version = await runCli(["--version"]);
    expect(version.stdout).toMatch(/^\d+\.\d+\.\d+/);
    expect(version.code).toBe(0);
  });

  it("says how it is used when it gets no command, and exits with 2", async () => {
    const { code, stderr } = await runCli([]);
    expect(stderr).toContain("Usage: tsumugi");
    expect(code).toBe(2);
  });

  it("names the command that it does not know, and a near one", async () => {
    const { code, stderr } = await runCli(["genrate"]);
    expect(stderr).toContain("unknown command 'genrate'");
    expect(stderr).toContain("generate");
    expect(code).toBe(2);
  });

  it("ends quietly when nobody reads on", async () => {
    const { code, stderr } = await runCli(["--help"], { closeStdout: true });
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  });
});

describe("tsumugi memory", () => {
  it("shows parameters × bits beside what each format takes", async () => {
    const { code, stdout } = await runCli(["memory", "tsumugi-mini", "--dtypes", "float32,bfloat16,nf4,gguf:q8_0"]);
    expect(code).toBe(0);
    expect(stdout).toContain("4,492,032 parameters; cache for 512 tokens");
    expect(stdout).toMatch(/float32 +18\.0 MB +18\.0 MB/);
    expect(stdout).toMatch(/nf4 +2\.2 MB/);
  });

  it("gives the same as JSON, and measures", async () => {
    const { stdout } = await runCli([
      "memory",
      "tsumugi-mini",
      "--dtypes",
      "bfloat16",
      "--context",
      "64",
      "--measure",
      "--json",
    ]);
    const { rows, contextTokens } = JSON.parse(stdout);
    expect(contextTokens).toBe(64);
    const [{ weights, measured }] = rows;
    expect(measured.weights / weights).toBeGreaterThan(0.95);
    expect(measured.weights / weights).toBeLessThan(1.05);
    expect(measured.cache).toBeGreaterThan(0);
    expect(measured.processPeak).toBeGreaterThan(measured.weights);
  });

  it("refuses a format that it does not know, with exit code 2", async () => {
    const { code, stderr } = await runCli(["memory", "tsumugi-mini", "--dtypes", "int3"]);
    expect(stderr).toContain("`dtypes` must be one of");
    expect(code).toBe(2);
  });
});

describe("tsumugi info", () => {
  it("shows architecture, parameters and memory", async () => {
    const { code, stdout } = await runCli(["info", "tsumugi-mini"]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/architecture +llama \(LlamaForCausalLM\)/);
    for (const dtype of ["float32", "bfloat16", "float16"]) expect(stdout).toContain(`memory ${dtype}`);
  });

  it("counts only the text part of a multimodal checkpoint, and says so", async () => {
    const folder = join(import.meta.dirname, "../fixtures/multimodal/gemma3");
    const { stdout } = await runCli(["info", folder]);
    expect(stdout).toMatch(/architecture +gemma3_text \(Gemma3ForConditionalGeneration\)/);
    expect(stdout).toMatch(/loaded +the text part of gemma3: no images, audio or video/);
    const information = JSON.parse((await runCli(["info", folder, "--json"])).stdout);
    expect(information).toMatchObject({ modelType: "gemma3_text", multimodalType: "gemma3", parameters: 27488 });
  });

  it("gives the same as JSON: 16-bit weights take half", async () => {
    const information = JSON.parse((await runCli(["info", "tsumugi-mini", "--json"])).stdout);
    expect(information.parameters).toBeGreaterThan(1e6);
    const { float32, bfloat16 } = information.memory;
    expect(bfloat16.weights / float32.weights).toBeGreaterThan(0.49);
    expect(bfloat16.weights / float32.weights).toBeLessThan(0.52);
  });
});

describe("tsumugi download", () => {
  it("says away from the network that the model is not in the cache", async () => {
    const cache = mkdtempSync(join(tmpdir(), "tsumugi-cli-"));
    const { code, stdout, stderr } = await runCli(["download", "someone/some-model", "--cache-dir", cache]);
    rmSync(cache, { recursive: true });
    expect(stdout).toBe("");
    expect(stderr).toContain("someone/some-model");
    expect(code).toBe(1);
  });
});

describe("tsumugi chat", () => {
  it("keeps to the model's context when no length is asked for: no warning", async () => {
    const { code, stdout, stderr } = await runCli(["chat"], { input: "Hello\n" });
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout.trim()).not.toBe("");
  });

  it("answers /help itself", async () => {
    const { code, stdout } = await runCli(["chat"], { input: "/help\n" });
    expect(code).toBe(0);
    expect(stdout).toBe("/help lists these, /reset forgets, /exit leaves, Ctrl-C stops a reply or clears the line\n");
  });

  it("answers each line, remembers, and forgets at /reset", async () => {
    const input = "こんにちは\nこんにちは\n/reset\nこんにちは\n/exit\nnot answered\n";
    const { code, stdout, stderr } = await runCli(["chat", "--max-new-tokens", "40"], { input });
    expect(stderr).toBe("");
    expect(code).toBe(0);
    const lines = stdout.trimEnd().split("\n");
    const forgotten = lines.indexOf("(forgotten)");
    expect(forgotten).toBeGreaterThan(1);
    // After /reset the same message is the start of a conversation again.
    expect(lines[forgotten + 1]).toBe(lines[0]);
    expect(lines.length - forgotten - 1).toBe(lines.indexOf(lines[0]!) + 1);
  });
});

import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { runCli } from "./run-cli.ts";

const short = ["--max-new-tokens", "12"];

describe("tsumugi generate", () => {
  it("streams the text of a prompt, and nothing else, into a pipe", async () => {
    const { code, stdout, stderr } = await runCli(["generate", "A list of colors: red, blue", ...short]);
    expect(stderr).toBe("");
    expect(code).toBe(0);
    expect(stdout).toMatch(/^, \w+/);
  });

  it("prints one JSON object, whose tokens are those of the usage", async () => {
    const { code, stdout, stderr } = await runCli(["generate", "A list of colors: red, blue", "--json", ...short]);
    expect(stderr).toBe("");
    expect(code).toBe(0);
    const lines = stdout.trimEnd().split("\n");
    expect(lines).toHaveLength(1);
    const document = JSON.parse(lines[0]!);
    expect(Object.keys(document)).toEqual(["model", "prompt", "text", "tokenIds", "finishReason", "usage", "timings"]);
    expect(document).toMatchObject({ model: "tsumugi-mini", prompt: "A list of colors: red, blue" });
    expect(document.usage.completionTokens).toBe(document.tokenIds.length);
    expect(document.usage.promptTokens).toBeGreaterThan(3);
    expect(["eos", "length"]).toContain(document.finishReason);
    expect(Object.keys(document.timings).sort()).toEqual(["decodeMs", "loadMs", "prefillMs", "tokensPerSecond"]);
    for (const value of Object.values(document.timings)) expect(value).toBeGreaterThan(0);
  });

  it("does not write half a character where the length cuts one, as Python's text has it", async () => {
    const args = ["generate", "吾輩は猫である。", "--max-new-tokens", "5"];
    const { text } = JSON.parse((await runCli([...args, "--json"])).stdout);
    expect(text).toMatch(/\uFFFD$/);
    expect((await runCli(args)).stdout).toBe(text.replace(/\uFFFD+$/, "\n"));
  });

  it("writes the answer of an encoder-decoder model", async () => {
    const folder = mkdtempSync(join(tmpdir(), "tsumugi-t5-"));
    const fixtures = join(import.meta.dirname, "../fixtures");
    for (const file of ["config.json", "model.safetensors"]) {
      copyFileSync(join(fixtures, "encoder-decoder/t5", file), join(folder, file));
    }
    for (const file of ["spiece.model", "tokenizer_config.json"]) {
      copyFileSync(join(fixtures, "tokenizers-checkpoints/t5", file), join(folder, file));
    }
    const { code, stdout, stderr } = await runCli(["generate", "a b", "--model", folder, "--max-new-tokens", "5"]);
    rmSync(folder, { recursive: true });
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout.trim()).not.toBe("");
  });

  it("reads the prompt from stdin, without its last line break", async () => {
    const [piped, given] = await Promise.all([
      runCli(["generate", "--json", ...short], { input: "I am a cat.\n" }),
      runCli(["generate", "I am a cat.", "--json", ...short]),
    ]);
    expect(JSON.parse(piped.stdout).prompt).toBe("I am a cat.");
    expect(JSON.parse(piped.stdout).tokenIds).toEqual(JSON.parse(given.stdout).tokenIds);
  });

  it("ends with length, stop or eos as it happened", async () => {
    const length = JSON.parse((await runCli(["generate", "1, 2", "--json", "--max-new-tokens", "2"])).stdout);
    expect(length).toMatchObject({ finishReason: "length", usage: { completionTokens: 2 } });
    const stop = JSON.parse((await runCli(["generate", "A sequence of numbers: 1, 2", "--json", "--stop", ", 4"])).stdout);
    expect(stop.finishReason).toBe("stop");
    expect(stop.text).toMatch(/, 4$/);
    const eos = JSON.parse((await runCli(["generate", "A list of colors: red, blue", "--json"])).stdout);
    expect(eos.finishReason).toBe("eos");
  });

  it("gives the same text for a seed, and another for another", async () => {
    const of = async (seed: string) =>
      (await runCli(["generate", "Tell me a story", "--temperature", "1.2", "--seed", seed, "--max-new-tokens", "30"])).stdout;
    const [first, again, other] = [await of("1"), await of("1"), await of("2")];
    expect(again).toBe(first);
    expect(other).not.toBe(first);
  });

  it("stops at Ctrl-C, keeping what was generated", async () => {
    const { code, stdout } = await runCli(
      ["generate", "Tell me a story about a dragon.", "--min-new-tokens", "400", "--max-new-tokens", "450"],
      {
        onStdout: (_all, interrupt) => interrupt(),
      },
    );
    expect(code).toBe(1);
    expect(stdout.length).toBeGreaterThan(0);
    expect(stdout.endsWith("\n")).toBe(true);
  });

  it.each([
    [["generate", "x", "--max-new-tokens", "0"], "max-new-tokens"],
    [["generate", "x", "--temperature", "hot"], "temperature"],
    [["generate", "x", "--temperature", "-1"], "temperature"],
    [["generate", "x", "--dtype", "int3"], "dtype"],
    [["generate", "x", "--frequency", "3"], "--frequency"],
    [["generate"], "missing prompt"],
    [["generte", "x"], "generte"],
  ])("exits with 2 and says why: %j", async (args, text) => {
    const { code, stdout, stderr } = await runCli(args);
    expect(stdout).toBe("");
    expect(stderr).toContain(text);
    expect(code).toBe(2);
  });

  it("exits with 1 when a model is not there, saying what to do", async () => {
    const { code, stderr } = await runCli(["generate", "x", "--model", "./no-such-folder"]);
    expect(stderr).toContain("no-such-folder");
    expect(code).toBe(1);
  });

  it("says which options do nothing at temperature 0", async () => {
    const { code, stderr } = await runCli(["generate", "1, 2", "--temperature", "0", "--seed", "3", ...short]);
    expect(stderr).toContain("`seed` has an effect only with");
    expect(code).toBe(0);
  });
});

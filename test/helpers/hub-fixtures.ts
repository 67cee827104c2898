import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, vi } from "vitest";
import { FakeHub, type FakeRepository } from "./fake-hub.ts";

export const commit = "0123456789abcdef0123456789abcdef01234567";

/** Bytes that look random and are the same each time. */
export function bytes(size: number, seed = "tsumugi"): Buffer {
  const pieces: Buffer[] = [];
  for (let have = 0; have < size; have += 32) pieces.push(createHash("sha256").update(`${seed}${have}`).digest());
  return Buffer.concat(pieces).subarray(0, size);
}

export const text = (value: unknown) => ({ content: Buffer.from(typeof value === "string" ? value : JSON.stringify(value)) });

export const weights = bytes(200_000);

/** A small model: LFS weights, JSON files, a template in a folder, and files that nobody should download. */
export function tinyRepository(): FakeRepository {
  return {
    commit,
    files: {
      "config.json": text({ model_type: "llama" }),
      "tokenizer.json": text({ version: "1.0", model: {} }),
      "tokenizer_config.json": text({}),
      "additional_chat_templates/rag.jinja": text("{{ messages }}"),
      "model.safetensors": { content: weights, lfs: true },
      "pytorch_model.bin": { content: bytes(100), lfs: true },
      "onnx/model.onnx": { content: bytes(100, "onnx"), lfs: true },
      "README.md": text("# tiny"),
    },
  };
}

/** A fake Hub with `org/tiny` and an empty cache for each test of a file, and no HF_* or proxy variable from outside. */
export function useFakeHub(): { hub: FakeHub; cache: string } {
  const use = {} as { hub: FakeHub; cache: string };
  beforeEach(async () => {
    for (const name of Object.keys(process.env))
      if (/^(HF_|HUGGING|TRANSFORMERS_)|_proxy$/i.test(name)) vi.stubEnv(name, undefined);
    use.cache = mkdtempSync(join(tmpdir(), "tsumugi-hub-"));
    vi.stubEnv("HF_HOME", join(use.cache, "home"));
    use.hub = await new FakeHub().listen();
    use.hub.repositories.set("org/tiny", tinyRepository());
  });
  afterEach(async () => {
    await use.hub.close();
    rmSync(use.cache, { recursive: true, force: true });
    vi.unstubAllEnvs();
  });
  return use;
}

/** Names in blobs/ of a repository in the cache. */
export function blobs(cache: string, repository = "models--org--tiny"): string[] {
  try {
    return readdirSync(join(cache, repository, "blobs")).sort();
  } catch {
    return [];
  }
}

/** Waits until a condition holds; fails after ten seconds. */
export async function until(condition: () => boolean): Promise<void> {
  for (let waited = 0; !condition(); waited += 10) {
    if (waited > 10_000) throw new Error("the condition did not come true in 10 s");
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

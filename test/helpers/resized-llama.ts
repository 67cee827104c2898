import { cp, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

const fixtures = join(import.meta.dirname, "../fixtures");

/** The random llama with another number of token ids, and a tokenizer beside it. */
export async function resizedLlama(size: number, folder: string): Promise<void> {
  const from = join(fixtures, "models/llama");
  await cp(join(fixtures, "tokenizers/byte-level"), folder, { recursive: true });
  const config = JSON.parse(await readFile(join(from, "config.json"), "utf8")) as object;
  await writeFile(join(folder, "config.json"), JSON.stringify({ ...config, vocab_size: size }));
  const file = await readFile(join(from, "model.safetensors"));
  const start = 8 + Number(file.readBigUInt64LE(0));
  type Entry = { dtype: string; shape: number[]; data_offsets: [number, number] };
  const { __metadata__, ...tensors } = JSON.parse(file.toString("utf8", 8, start)) as { [name: string]: Entry };
  const pieces: Buffer[] = [];
  let at = 0;
  for (const entry of Object.values(tensors)) {
    let data = file.subarray(start + entry.data_offsets[0], start + entry.data_offsets[1]);
    const [rows, ...rest] = entry.shape as [number, ...number[]];
    if (rows === 128) {
      const row = data.length / rows;
      data = Buffer.concat([data, Buffer.alloc(Math.max(0, size - rows) * row)]).subarray(0, size * row);
      entry.shape = [size, ...rest];
    }
    entry.data_offsets = [at, at + data.length];
    at += data.length;
    pieces.push(data);
  }
  const header = Buffer.from(JSON.stringify(tensors));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  await writeFile(join(folder, "model.safetensors"), Buffer.concat([length, header, ...pieces]));
}

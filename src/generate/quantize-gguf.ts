import { TsumugiError } from "../errors.ts";
import { writeWholeFile } from "../formats/file-whole.ts";
import { encodeGgml, type GgufWriteTensor, layOutGguf, type WritableGgmlType } from "../formats/gguf/write.ts";
import { type GgufTensorPlan, planGguf } from "../formats/gguf/write-model.ts";
import { toFloat32 } from "../tensor/convert.ts";
import { ggufTokenizerMetadata } from "../tokenizer/index.ts";
import { isRecord } from "../util/json-value.ts";
import type { ModelParts } from "./assemble-model.ts";
import { readObject } from "./read-config.ts";

type Opened = Pick<ModelParts, "files" | "config" | "checkpoint">;

/** Types of GGUF files that are written, and their number in llama.cpp's `general.file_type`. */
const types: { readonly [name: string]: { type: WritableGgmlType; fileType: number } } = {
  "gguf:f32": { type: "F32", fileType: 0 },
  "gguf:f16": { type: "F16", fileType: 1 },
  "gguf:q4_0": { type: "Q4_0", fileType: 2 },
  "gguf:q8_0": { type: "Q8_0", fileType: 7 },
  "gguf:bf16": { type: "BF16", fileType: 32 },
};

/** What `quantizeModel` calls these formats. */
export const ggufFormats: readonly string[] = Object.keys(types);

/**
 * Writes a checkpoint as one GGUF file, which loads here and in llama.cpp. One tensor is in memory at a time; the file appears
 * when all of it is on the disk. Matrices whose rows are no whole blocks of 32 values become F16, as llama.cpp does it.
 *
 * @throws `gguf_unsupported`, `unsupported_tokenizer`, `convert_unsupported` without a tokenizer.json, `output_exists`,
 * `output_unwritable`, `aborted`
 */
export async function quantizeToGguf(
  { files, config, checkpoint }: Opened,
  to: string,
  output: string,
  options: {
    signal?: AbortSignal | undefined;
    onWritten?: ((done: { writtenBytes: number; totalBytes: number }) => void) | undefined;
  },
): Promise<void> {
  const { type, fileType } = types[to]!;
  const stored = new Map(checkpoint.tensors().map((tensor) => [tensor.name, tensor]));
  const plan = planGguf(config, checkpoint.tensors());
  const tensors = plan.tensors.map((tensor) => ({ ...tensor, type: typeOf(tensor, type) }));
  const metadata = {
    ...plan.metadata,
    "general.file_type": { type: "uint32", value: fileType } as const,
    ...(await tokenizerMetadata({ files, config }, tensors)),
  };
  const { header, places, bytes: totalBytes } = layOutGguf(metadata, tensors);
  await writeWholeFile(output, async (write) => {
    await write(header, 0);
    for (const [index, { name, parts, values, type: own }] of tensors.entries()) {
      const { offset, bytes } = places[index]!;
      let done = 0;
      const put = async (made: Float32Array) => {
        if (options.signal?.aborted) throw new TsumugiError("aborted");
        const encoded = encodeGgml(made, own);
        await write(encoded, offset + done);
        done += encoded.length;
        options.onWritten?.({ writtenBytes: offset + done, totalBytes });
      };
      if (values) await put(values);
      for (const { tensor, make } of parts)
        await put(make(toFloat32(await checkpoint.read(tensor), stored.get(tensor)!.dtype)));
      if (done !== bytes) throw new TsumugiError("internal", { what: `the size of ${name}` });
    }
    return totalBytes;
  });
}

function typeOf({ isSmall, shape }: GgufTensorPlan, type: WritableGgmlType): WritableGgmlType {
  if (isSmall) return "F32";
  return (type === "Q8_0" || type === "Q4_0") && shape.at(-1)! % 32 !== 0 ? "F16" : type;
}

async function tokenizerMetadata({ files }: Pick<Opened, "files" | "config">, tensors: readonly GgufWriteTensor[]) {
  const json = await readObject(files, "tokenizer.json");
  if (!json) {
    const reason = "it has no tokenizer.json, and llama.cpp needs the tokenizer in the file";
    throw new TsumugiError("convert_unsupported", { directory: files.directory, reason });
  }
  const settings = (await readObject(files, "tokenizer_config.json")) ?? {};
  const template = settings.chat_template === undefined ? await files.readText("chat_template.jinja") : undefined;
  const rows = tensors.find(({ name }) => name === "token_embd.weight")?.shape[0] ?? 0;
  const known = isRecord(settings) ? settings : {};
  return ggufTokenizerMetadata(json, template === undefined ? known : { ...known, chat_template: template }, rows);
}

import { TsumugiError } from "../../errors.ts";
import { toFloat32 } from "../../tensor/convert.ts";
import type { FileRange } from "../../tensor/tensor-info.ts";
import type { Checkpoint } from "../checkpoint.ts";
import { smallTensors } from "./architecture.ts";
import { architectureOf } from "./architectures.ts";
import { GgufFields } from "./fields.ts";
import type { GgufHeader } from "./header.ts";
import { type PartTensor, type PlacedTensor, PlacedTensors } from "./placed-tensors.ts";

/** One of the files of a model, open. */
export interface GgufPart {
  /** Its name, for messages. */
  file: string;
  header: GgufHeader;
  read(offset: number, bytes: number): Promise<Uint8Array>;
  locate(offset: number, bytes: number): FileRange | Uint8Array;
}

/** A model of GGUF files, as a checkpoint of transformers. */
export interface GgufModel {
  /** config.json. */
  config: Record<string, unknown>;
  metadata: GgufHeader["metadata"];
  checkpoint: Checkpoint;
}

/**
 * Makes a checkpoint of the files of a model: one, or the parts of a split one in their order. Their tensors have the names and
 * shapes that transformers has for them; small ones that differ by more than their place are computed here.
 *
 * @throws TsumugiError `gguf_invalid`, `gguf_unsupported`
 */
export async function assembleGguf(parts: readonly GgufPart[], close: () => Promise<void>): Promise<GgufModel> {
  const [first] = parts as [GgufPart, ...GgufPart[]];
  const { metadata } = first.header;
  checkSplit(parts);
  const tensors = new Map<string, PartTensor>();
  for (const [part, { file, header }] of parts.entries()) {
    for (const tensor of header.tensors) {
      if (tensors.has(tensor.name)) fail(file, `tensor ${tensor.name} is in an earlier part, too`);
      tensors.set(tensor.name, { ...tensor, part });
    }
  }
  const fields = new GgufFields(first.file, { metadata, tensors: [...tensors.values()] });
  const architecture = architectureOf(fields);
  const read = ({ part, offset, bytes }: PartTensor) => parts[part]!.read(offset, bytes);
  const small = new Map<string, Float32Array>();
  for (const name of smallTensors) {
    const tensor = tensors.get(name);
    if (tensor === undefined) continue;
    if (tensor.type !== "F32" || tensor.bytes > 65_536) fail(first.file, `tensor ${name} must be a few numbers in F32`);
    small.set(name, toFloat32(await read(tensor), "float32"));
  }
  const config = architecture.config(fields, small);
  const placed = await new PlacedTensors(fields).place(architecture, config, tensors.values(), read);
  const stored = new Map([...placed].flatMap(([name, tensor]) => (tensor.stored ? [[name, tensor.stored] as const] : [])));
  return {
    config: { ...config, quantization_config: { quant_method: "gguf", tensors: stored } },
    metadata,
    checkpoint: checkpointOf(parts, placed, close),
  };
}

function checkpointOf(
  parts: readonly GgufPart[],
  placed: ReadonlyMap<string, PlacedTensor>,
  close: () => Promise<void>,
): Checkpoint {
  const infos = [...placed.values()].map(({ info }) => info);
  const find = (name: string): PlacedTensor => {
    const found = placed.get(name);
    if (!found) throw new TsumugiError("tensor_missing", { name });
    return found;
  };
  const locate = (name: string): FileRange | Uint8Array => {
    const { place, info } = find(name);
    if (place instanceof Float32Array) return new Uint8Array(place.buffer);
    return parts[place.part]!.locate(place.offset, info.bytes);
  };
  let open = true;
  return {
    declaredDtype: dtypeOf(parts),
    tensors: () => infos,
    locate,
    async read(name) {
      if (!open) throw new TsumugiError("disposed", { what: "The checkpoint" });
      const { place, info } = find(name);
      if (place instanceof Float32Array) return new Uint8Array(place.buffer);
      return parts[place.part]!.read(place.offset, info.bytes);
    },
    async close() {
      if (!open) return;
      open = false;
      await close();
    },
  };
}

/** The type that most bytes of plain numbers have; bfloat16 for files of codes. */
function dtypeOf(parts: readonly GgufPart[]): string {
  const bytes = new Map<string, number>();
  for (const { header } of parts) {
    for (const { type, bytes: size } of header.tensors) bytes.set(type, (bytes.get(type) ?? 0) + size);
  }
  const [most] = [...bytes].sort(([, a], [, b]) => b - a)[0] ?? ["F32"];
  return most === "F32" ? "float32" : most === "F16" ? "float16" : "bfloat16";
}

/** The parts of a split file say which they are. */
function checkSplit(parts: readonly GgufPart[]): void {
  for (const [index, { file, header }] of parts.entries()) {
    const [count, number] = [header.metadata.get("split.count") ?? 1, header.metadata.get("split.no") ?? 0];
    if (count === 0 && parts.length === 1) continue;
    if (count !== parts.length) {
      fail(file, `it is one of ${String(count)} parts; give the first part under its own name, with the others beside it`);
    }
    if (number !== index) fail(file, `it says that it is part ${Number(number) + 1}, and its name says ${index + 1}`);
  }
}

function fail(file: string, reason: string): never {
  throw new TsumugiError("gguf_invalid", { file, reason });
}

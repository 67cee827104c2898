import { z } from "zod";
import { TsumugiError } from "../errors.ts";
import { ProgramBuilder, type Value } from "../layers/index.ts";
import type { Model } from "../ops/program.ts";
import { type CamelKeys, camelKeys } from "./camel-case.ts";
import { type CheckpointSizes, checkSizes } from "./check-sizes.ts";
import { parseFields } from "./config.ts";

/** What a model's forward pass gives back. */
export interface ForwardResult {
  /** [rows, vocabulary] */
  logits: Value;
  /** [tokens, hidden], after the last norm. */
  hidden: Value;
}

/** What an encoder gives back. */
export interface EncodeResult {
  /** [tokens, hidden], after the last norm. */
  hidden: Value;
}

/** Facts that the engine needs beside the program. */
export interface ModelFacts {
  vocabularySize: number;
  hiddenSize: number;
  maxPositions: number;
  /** Values of [tokens, hidden] that go from layer to layer. Default 1. */
  streams?: number;
  /** Learned positions cannot go beyond `maxPositions`. Default false. */
  positionsAreBounded?: boolean;
}

export interface ForwardContext {
  program: ProgramBuilder;
  /** config.json as it was given, for readers of nested fields such as `parseRope`. */
  raw: unknown;
  /** The embedding whose weight the head shares; undefined: the head has a weight of its own. */
  tiedTo: string | undefined;
  /** Whether the checkpoint holds a tensor that the model can do without; true as long as no checkpoint is given. */
  has(tensor: string): boolean;
}

/** Tensors that checkpoints of an architecture carry, and its forward pass does not read: they are no reason for a warning. */
export interface SpareTensors {
  /** Numbers of layers behind the last that predict further tokens, where config.json does not count them. */
  layersAhead?: readonly number[];
  /** Whether layers that read the keys and values of an earlier layer carry their own all the same. */
  sharedKeys?: boolean;
}

/** An architecture: how its config.json reads, and its forward pass. It states what differs from most others. */
export interface ArchitectureSource<Shape extends z.ZodRawShape> {
  /** `model_type` of config.json. */
  modelType: string;
  /** What names of the base model's tensors start with; checkpoints of the base model alone lack it. Default "model.". */
  prefix?: string;
  /**
   * The embedding that a tied head shares, and the head: `tie_word_embeddings` joins the two. Default: `embed_tokens` of the
   * base model, and "lm_head".
   */
  tie?: { embedding: string; head: string };
  /** Other names of modules in older checkpoints, by the name that the forward pass uses. */
  olderNames?: { readonly [module: string]: string };
  /** What its checkpoints have beyond what is read. Default: nothing. */
  spare?: SpareTensors;
  /** Its linear modules store their matrices as [inputs, outputs] (transformers' Conv1D). Default false. */
  storesInputsFirst?: boolean;
  /** Other names of fields of config.json, by the name that `fields` uses: `attribute_map` of transformers. */
  aliases?: { readonly [alias: string]: string };
  /** Fields of config.json that the forward pass reads, with their defaults in transformers. */
  fields: Shape;
  /** Facts that are not what `vocab_size`, `hidden_size` and `max_position_embeddings` say. */
  facts?(config: CamelKeys<z.output<z.ZodObject<Shape>>>): Partial<ModelFacts>;
  forward(config: CamelKeys<z.output<z.ZodObject<Shape>>>, context: ForwardContext): ForwardResult;
  /** The encoder of an encoder-decoder model, which also stores what the decoder's cross-attention reads. */
  encode?(config: CamelKeys<z.output<z.ZodObject<Shape>>>, context: ForwardContext): EncodeResult;
}

/** The checkpoint that a model is built for. */
export interface BuiltFor {
  sizes: CheckpointSizes;
  /** Whether it holds a tensor. */
  has(tensor: string): boolean;
}

/** An architecture, ready to read any config.json. */
export interface Architecture {
  modelType: string;
  prefix: string;
  tie: { embedding: string; head: string };
  olderNames: { readonly [module: string]: string };
  spare: SpareTensors;
  storesInputsFirst: boolean;
  /** Whether it is an encoder-decoder model. */
  hasEncoder: boolean;
  /** Whether config.json asks for a tied head. */
  isTied(raw: unknown): boolean;
  /** `checkpoint`: what the model is built for, whose sizes bound those of config.json; absent: any. */
  build(raw: unknown, tied: boolean, checkpoint?: BuiltFor): Model;
}

/** Makes an architecture of its parts. */
export function defineArchitecture<Shape extends z.ZodRawShape & { tie_word_embeddings: z.ZodType<boolean> }>(
  source: ArchitectureSource<Shape>,
): Architecture {
  const { modelType, prefix = "model.", olderNames = {}, spare = {}, storesInputsFirst = false } = source;
  const { tie = { embedding: `${prefix}embed_tokens`, head: "lm_head" } } = source;
  const schema = z.object(source.fields);
  const parse = (raw: unknown) => parseFields(schema, renamed(raw, source.aliases ?? {}));
  return {
    modelType,
    prefix,
    tie,
    olderNames,
    spare,
    storesInputsFirst,
    hasEncoder: source.encode !== undefined,
    isTied: (raw) => (parse(raw) as unknown as { tie_word_embeddings: boolean }).tie_word_embeddings,
    build(raw, tied, checkpoint) {
      const fields = parse(raw);
      if (checkpoint) checkSizes(fields, renamed(raw, source.aliases ?? {}), checkpoint.sizes);
      const config = camelKeys(fields) as CamelKeys<z.output<z.ZodObject<Shape>>>;
      const program = new ProgramBuilder();
      const facts = factsOf(modelType, config, source.facts?.(config));
      const context = { raw, tiedTo: tied ? tie.embedding : undefined, has: checkpoint?.has ?? (() => true) };
      const outputs = forward(source.fields, () => source.forward(config, { program, ...context }));
      const encoder = new ProgramBuilder(program);
      const encoded = source.encode && forward(source.fields, () => source.encode!(config, { program: encoder, ...context }));
      const { rotarySwitch } = program;
      return {
        modelType,
        ...facts,
        positionsAreBounded: facts.positionsAreBounded ?? false,
        programs: { decode: program.program(outputs), ...(encoded && { encode: encoder.encodeProgram(encoded) }) },
        weights: program.weights,
        states: program.states,
        ...(rotarySwitch !== undefined && { rotarySwitch }),
      };
    },
  };
}

/** What most config.json files call the facts of a model, with what an architecture says itself. */
function factsOf(
  modelType: string,
  config: { vocabSize?: unknown; hiddenSize?: unknown; maxPositionEmbeddings?: unknown },
  own: Partial<ModelFacts> = {},
): ModelFacts {
  const { vocabSize, hiddenSize, maxPositionEmbeddings: maxPositions } = config;
  const facts = { vocabularySize: vocabSize, hiddenSize, maxPositions, ...own };
  for (const name of ["vocabularySize", "hiddenSize", "maxPositions"] as const) {
    if (typeof facts[name] !== "number") throw new TsumugiError("internal", { what: `${modelType} does not say its ${name}` });
  }
  return facts as ModelFacts;
}

/** config.json with its fields under one name; a field that is there under both keeps its own. */
function renamed(raw: unknown, aliases: { readonly [alias: string]: string }): unknown {
  if (typeof raw !== "object" || raw === null) return raw;
  const fields = raw as Record<string, unknown>;
  const moved = Object.entries(aliases).filter(([alias, name]) => fields[alias] != null && fields[name] == null);
  return moved.length === 0 ? raw : { ...fields, ...Object.fromEntries(moved.map(([alias, name]) => [name, fields[alias]])) };
}

/** Runs a forward pass. Sizes that no op can work with come from config.json, so the error names its fields. */
function forward<Result>(fields: object, run: () => Result): Result {
  try {
    return run();
  } catch (error) {
    if (!TsumugiError.isInstance(error) || error.code !== "op_invalid") throw error;
    const { op, what, expected, given } = error.details;
    throw new TsumugiError(
      "config_invalid",
      { field: fieldsBehind(String(op), Object.keys(fields)), expected: `${what} must be ${expected}`, given },
      { cause: error },
    );
  }
}

/** The fields of config.json that give an op its sizes, or the op's name where they are not known. */
function fieldsBehind(op: string, fields: readonly string[]): string {
  const heads = /(^|_)heads?(_dim)?$|^d_kv$/;
  const wanted: { readonly [op: string]: RegExp } = { attend: heads, rotary: new RegExp(`${heads.source}|rotary`) };
  const named = fields.filter((field) => wanted[op]?.test(field));
  return named.length > 0 ? named.join(" / ") : `sizes of ${op}`;
}

import { TsumugiError } from "../errors.ts";
import { ProtobufError, protobufFields } from "./protobuf.ts";

/** A piece of a SentencePiece vocabulary; its place in the list is its id. */
export interface SentencePiece {
  piece: string;
  /** Log probability (Unigram), or minus the rank (BPE). */
  score: number;
  kind: "normal" | "unknown" | "control" | "user-defined" | "unused" | "byte";
}

/** What tsumugi reads of a SentencePiece `.model` file. */
export interface SentencePieceModel {
  pieces: SentencePiece[];
  type: "unigram" | "bpe";
  byteFallback: boolean;
  /** -1 where there is none. */
  unkId: number;
  bosId: number;
  eosId: number;
  unkPiece: string;
  bosPiece: string;
  eosPiece: string;
  /** Table of the normaliser; empty without one. */
  charsmap: Uint8Array;
}

const kinds = { 1: "normal", 2: "unknown", 3: "control", 4: "user-defined", 5: "unused", 6: "byte" } as const;
const types: Record<number, string> = { 1: "unigram", 2: "bpe", 3: "word", 4: "char" };

/**
 * Reads a SentencePiece model. `file` is its name, for messages. Errors: `invalid_tokenizer_file` for what is no such file,
 * `unsupported_tokenizer` for word and character models.
 *
 * Source: google/sentencepiece `sentencepiece_model.proto`.
 */
export function readSentencePieceModel(bytes: Uint8Array, file: string): SentencePieceModel {
  try {
    return parse(bytes);
  } catch (cause) {
    // TextDecoder's error for bytes that are not UTF-8 is a TypeError.
    if (!(cause instanceof ProtobufError || cause instanceof TypeError)) throw cause;
    const reason = `it is not a SentencePiece model (${cause.message})`;
    throw new TsumugiError("invalid_tokenizer_file", { file, reason }, { cause });
  }
}

function parse(bytes: Uint8Array): SentencePieceModel {
  const model: SentencePieceModel = {
    ...{ pieces: [], type: "unigram", byteFallback: false, charsmap: new Uint8Array(0) },
    ...{ unkId: 0, bosId: 1, eosId: 2, unkPiece: "<unk>", bosPiece: "<s>", eosPiece: "</s>" },
  };
  for (const field of protobufFields(bytes)) {
    if (field.number === 1) model.pieces.push(pieceOf(field.bytes));
    else if (field.number === 2) readTrainer(field.bytes, model);
    else if (field.number === 3)
      for (const inner of protobufFields(field.bytes)) if (inner.number === 2) model.charsmap = inner.bytes.slice();
  }
  if (model.pieces.length === 0) throw new ProtobufError("it has no pieces");
  if (model.pieces.length <= model.unkId) throw new ProtobufError(`its unknown piece ${model.unkId} is not there`);
  return model;
}

function pieceOf(bytes: Uint8Array): SentencePiece {
  const piece: SentencePiece = { piece: "", score: 0, kind: "normal" };
  for (const { number, value, bytes: content } of protobufFields(bytes)) {
    if (number === 1) piece.piece = text(content);
    else if (number === 2) piece.score = float(value);
    else if (number === 3) {
      const kind = kinds[value as keyof typeof kinds];
      if (kind === undefined) throw new ProtobufError(`a piece of type ${value}`);
      piece.kind = kind;
    }
  }
  return piece;
}

function readTrainer(bytes: Uint8Array, model: SentencePieceModel): void {
  for (const { number, value, bytes: content } of protobufFields(bytes)) {
    if (number === 3) {
      const type = types[value];
      if (type !== "unigram" && type !== "bpe")
        throw new TsumugiError("unsupported_tokenizer", { what: "SentencePiece model type", given: type ?? value });
      model.type = type;
    } else if (number === 35) model.byteFallback = value !== 0;
    else if (number === 40) model.unkId = int32(value);
    else if (number === 41) model.bosId = int32(value);
    else if (number === 42) model.eosId = int32(value);
    else if (number === 45) model.unkPiece = text(content);
    else if (number === 46) model.bosPiece = text(content);
    else if (number === 47) model.eosPiece = text(content);
  }
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function text(bytes: Uint8Array): string {
  return utf8.decode(bytes);
}

function float(bits: number): number {
  const view = new DataView(new ArrayBuffer(4));
  view.setUint32(0, bits);
  return view.getFloat32(0);
}

/** Negative numbers are written as 64-bit varints. */
function int32(value: number): number {
  return value >= 2 ** 63 ? -1 : value;
}

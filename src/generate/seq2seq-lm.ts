import { CausalLM } from "./causal-lm.ts";

/**
 * An encoder-decoder model on a device, with its own engine. `inputIds` and `attentionMask` of `generate`, and the text of
 * `stream`, are what the encoder reads; the decoder begins with `decoderStartTokenId`, which is the first token of every
 * row of `sequences`. Made by `AutoModelForSeq2SeqLM.fromPretrained`.
 */
export class Seq2SeqLM extends CausalLM {}

import { CausalLM } from "./causal-lm.ts";

/**
 * An encoder-decoder model on a device, with its own engine. `inputIds` and `attentionMask` of `generate`, and the text of
 * `stream`, are what the encoder reads; the decoder begins with `decoderStartTokenId`, which is the first token of every
 * row of `sequences`. Made by `AutoModelForSeq2SeqLM.fromPretrained`.
 *
 * @example
 * ```ts
 * const model: Seq2SeqLM = await AutoModelForSeq2SeqLM.fromPretrained("google/flan-t5-small");
 * const tokenizer = await model.loadTokenizer();
 * const { sequences } = await model.generate({ ...tokenizer("Translate to German: Good morning"), maxNewTokens: 20 });
 * console.log(tokenizer.decode(sequences[0]!, { skipSpecialTokens: true }));
 * ```
 */
export class Seq2SeqLM extends CausalLM {}

import { createDecodeStream, type DecodeStream } from "./decode-stream.ts";
import { refuseUnknownOptions } from "./options.ts";
import type { DecodeOptions, Tokenizer } from "./tokenizer.ts";

/** Options of `IncrementalDecoder`. */
export interface IncrementalDecoderOptions extends DecodeOptions {
  /**
   * Ids that came before. Without them the pieces add up to `decode(newIds)`: a decoder that strips a leading space
   * (Llama 2, Metaspace) strips that of the first new token. With them they add up to what `decode([...promptIds,
   * ...newIds])` has after the part that the prompt alone settles, so that space stays.
   */
  promptIds?: ArrayLike<number> | undefined;
}

/**
 * Token ids in, text out, as soon as it is certain. The pieces, joined, are exactly the full decode; characters that are
 * split over tokens wait until they are whole, at a constant cost per token.
 *
 * Ids that no token has are skipped by default (`unknownIds: "skip"`), because models may have more rows than their
 * tokenizer. Byte-fallback tokens (`<0xE3>`) wait for the end of their run: one invalid byte changes the text of all of it.
 *
 * @example
 * ```ts
 * const decoder = new IncrementalDecoder(tokenizer, { skipSpecialTokens: true });
 * for (const id of ids) process.stdout.write(decoder.push(id));
 * process.stdout.write(decoder.end());
 * ```
 */
export class IncrementalDecoder {
  readonly #tokenizer: Tokenizer;
  readonly #options: IncrementalDecoderOptions;
  #stream: DecodeStream;

  constructor(tokenizer: Tokenizer, options: IncrementalDecoderOptions = {}) {
    refuseUnknownOptions(options, ["promptIds", "skipSpecialTokens", "cleanUpTokenizationSpaces", "unknownIds"]);
    this.#tokenizer = tokenizer;
    this.#options = options;
    this.#stream = this.#open();
    if (options.promptIds) this.push(options.promptIds);
  }

  /** The text that these ids settle; possibly `""`. */
  push(ids: number | ArrayLike<number>): string {
    const { decoding } = this.#tokenizer;
    const tokens: string[] = [];
    const list = typeof ids === "number" ? [ids] : ids;
    for (let i = 0; i < list.length; i++) {
      const id = list[i] as number;
      const token = decoding.tokenOf(id);
      if (token === undefined) {
        if (this.#options.unknownIds === "error") this.#tokenizer.decode(id);
        continue;
      }
      if (!this.#options.skipSpecialTokens || !decoding.isSpecial(token)) tokens.push(token);
    }
    return tokens.length === 1 ? this.#stream.push(tokens[0] as string) : this.#stream.pushAll(tokens);
  }

  /** What was held back. Afterwards the decoder begins anew, without a prompt. */
  end(): string {
    const text = this.#stream.end();
    this.#stream = this.#open();
    return text;
  }

  #open(): DecodeStream {
    const { decoding } = this.#tokenizer;
    const wanted = this.#options.cleanUpTokenizationSpaces ?? decoding.cleanUp;
    return createDecodeStream(decoding.decoder, { cleanUp: wanted && !decoding.isBpe });
  }
}

import { IncrementalDecoder, type Tokenizer } from "../tokenizer/index.ts";

/** How an answer is decoded. */
export interface AnswerDecoderOptions {
  /** Default true. */
  skipSpecialTokens?: boolean;
  cleanUpTokenizationSpaces?: boolean;
  /** What the answer goes on from; absent, it starts a text of its own. */
  promptIds?: readonly number[];
}

/**
 * New tokens in, the text behind the prompt out: a space between prompt and answer stays, and what the prompt's own text
 * already has (its last bytes may wait to become a character) is not said twice.
 */
export class AnswerDecoder {
  readonly #decoder: IncrementalDecoder;
  /** Text of the prompt that its own tokens did not settle, and that has not come out again yet. */
  #pending = "";

  constructor(tokenizer: Tokenizer, { promptIds, skipSpecialTokens = true, cleanUpTokenizationSpaces }: AnswerDecoderOptions) {
    const options = { skipSpecialTokens, cleanUpTokenizationSpaces };
    if (promptIds) {
      const prompt = new IncrementalDecoder(tokenizer, options);
      prompt.push(promptIds);
      this.#pending = prompt.end();
    }
    this.#decoder = new IncrementalDecoder(tokenizer, { ...options, promptIds });
  }

  /** The text that these ids settle; possibly `""`. */
  push(ids: number | readonly number[]): string {
    return this.#behindPrompt(this.#decoder.push(ids));
  }

  /** What was held back. */
  end(): string {
    return this.#behindPrompt(this.#decoder.end());
  }

  #behindPrompt(text: string): string {
    let same = 0;
    while (same < text.length && same < this.#pending.length && text[same] === this.#pending[same]) same++;
    this.#pending = same === text.length ? this.#pending.slice(same) : "";
    return text.slice(same);
  }
}

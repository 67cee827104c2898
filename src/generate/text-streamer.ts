import { TsumugiError } from "../errors.ts";
import { type DecodeOptions, IncrementalDecoder, type Tokenizer } from "../tokenizer/index.ts";
import { refuseUnknownOptions } from "../tokenizer/options.ts";
import { checkOptionTypes } from "../util/option-types.ts";

/**
 * What `generate` gives its tokens to: the prompt's ids first, then the tokens of each step, then `end`. Promises are waited for
 * before the call settles, not before the next token; what they are rejected with, the call is.
 */
export interface Streamer {
  put(ids: number | ArrayLike<number> | ArrayLike<ArrayLike<number>>): void;
  end(): void;
}

/** Options of `TextStreamer`. */
export interface TextStreamerOptions extends DecodeOptions {
  /** Leave out the prompt, which is the first `put`. Default `false`. */
  skipPrompt?: boolean | undefined;
  /**
   * Called with each piece of text instead of writing it to standard output. Nothing is added at the end. What it throws, or its
   * promise is rejected with, fails the call of `generate`.
   */
  onText?: ((text: string) => void) | undefined;
  /**
   * `"word"`: transformers' rules: text comes out up to its last space, at a newline, or after a CJK ideograph; kana and
   * Hangul wait for the end. `"character"`: every whole character at once, which suits Japanese. Default `"word"`.
   */
  flush?: "word" | "character" | undefined;
}

const ideographs: [number, number][] = [
  [0x4e00, 0x9fff],
  [0x3400, 0x4dbf],
  [0x20000, 0x2a6df],
  [0x2a700, 0x2b73f],
  [0x2b740, 0x2b81f],
  [0x2b820, 0x2ceaf],
  [0xf900, 0xfaff],
  [0x2f800, 0x2fa1f],
];

/**
 * Prints text while it is generated.
 *
 * One sequence at a time: a batch is refused (`invalid_input`). Subclasses change where text goes by overriding
 * `onFinalizedText(text, streamEnd)`, which is called at every `put`, also with `""`, and once at the end.
 *
 * @example
 * ```ts
 * const streamer = new TextStreamer(tokenizer, { skipPrompt: true, skipSpecialTokens: true });
 * await model.generate({ ...tokenizer("Hello"), streamer });
 * ```
 *
 * Source: transformers 5 `generation/streamers.py`.
 */
export class TextStreamer implements Streamer {
  protected readonly options: TextStreamerOptions;
  readonly #tokenizer: Tokenizer;
  readonly #decode: DecodeOptions;
  readonly #characters: IncrementalDecoder | undefined;
  #cache: number[] = [];
  #printed = 0;
  #nextIsPrompt = true;

  constructor(tokenizer: Tokenizer, options: TextStreamerOptions = {}, extraOptions: readonly string[] = []) {
    refuseUnknownOptions(options, [
      ...["skipPrompt", "onText", "flush", "skipSpecialTokens", "cleanUpTokenizationSpaces", "unknownIds"],
      ...extraOptions,
    ]);
    checkOptionTypes(options, {
      skipPrompt: "boolean",
      onText: "function",
      skipSpecialTokens: "boolean",
      cleanUpTokenizationSpaces: "boolean",
    });
    if (typeof tokenizer?.decode !== "function")
      throw new TsumugiError("invalid_input", {
        what: "The streamer's first argument",
        expected: "a tokenizer",
        given: tokenizer,
      });
    const { skipSpecialTokens, cleanUpTokenizationSpaces, unknownIds = "skip", flush = "word" } = options;
    if (flush !== "word" && flush !== "character")
      throw new TsumugiError("invalid_option", { option: "flush", expected: '"word" or "character"', given: flush });
    this.options = options;
    this.#tokenizer = tokenizer;
    this.#decode = { skipSpecialTokens, cleanUpTokenizationSpaces, unknownIds };
    if (flush === "character") this.#characters = new IncrementalDecoder(tokenizer, this.#decode);
  }

  put(value: number | ArrayLike<number> | ArrayLike<ArrayLike<number>>): void | Promise<void> {
    const ids = oneRow(value);
    const isPrompt = this.#nextIsPrompt;
    this.#nextIsPrompt = false;
    if (isPrompt && this.options.skipPrompt) return;
    return this.onFinalizedText(this.#characters ? this.#characters.push(ids) : this.#words(ids), false);
  }

  end(): void | Promise<void> {
    let text = "";
    if (this.#characters) text = this.#characters.end();
    else if (this.#cache.length > 0) text = this.#tokenizer.decode(this.#cache, this.#decode).slice(this.#printed);
    this.#cache = [];
    this.#printed = 0;
    this.#nextIsPrompt = true;
    return this.onFinalizedText(text, true);
  }

  /** Where text goes. The default writes to `onText`, else to standard output with a newline at the end. */
  protected onFinalizedText(text: string, streamEnd: boolean): void | Promise<void> {
    const { onText } = this.options;
    if (onText) return text === "" ? undefined : (onText(text) as undefined | Promise<void>);
    globalThis.process?.stdout?.write(streamEnd ? `${text}\n` : text);
  }

  #words(ids: number[]): string {
    this.#cache.push(...ids);
    const text = this.#tokenizer.decode(this.#cache, this.#decode);
    const from = this.#printed;
    if (text.endsWith("\n")) {
      this.#cache = [];
      this.#printed = 0;
      return text.slice(from);
    }
    const piece = endsWithIdeograph(text) ? text.slice(from) : text.slice(from, Math.max(from, text.lastIndexOf(" ") + 1));
    this.#printed += piece.length;
    return piece;
  }
}

function endsWithIdeograph(text: string): boolean {
  const last = Array.from(text.slice(-2)).at(-1)?.codePointAt(0);
  return last !== undefined && ideographs.some(([first, end]) => last >= first && last <= end);
}

function oneRow(value: number | ArrayLike<number> | ArrayLike<ArrayLike<number>>): number[] {
  if (typeof value === "number") return [value];
  const items: (number | ArrayLike<number>)[] = Array.from(value as ArrayLike<number | ArrayLike<number>>);
  if (!items.some((item) => typeof item === "object")) return items as number[];
  if (items.length > 1)
    throw new TsumugiError("invalid_input", { what: "A streamer's batch", expected: "1 sequence", given: items.length });
  return Array.from(items[0] as ArrayLike<number>);
}

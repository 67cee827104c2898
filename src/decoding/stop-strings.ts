import { TsumugiError } from "../errors.ts";
import { endsWithin, joinBytes } from "../util/bytes.ts";
import type { GenerationSettings } from "./generation-settings.ts";
import type { TokenBytes } from "./token-bytes.ts";

const utf8 = new TextEncoder();

/**
 * Looks for stop strings in one row, byte by byte, so that a string split over tokens inside a character is found.
 *
 * A match must end inside the newest token. It may begin in earlier tokens, the prompt's included, and the token may go
 * on behind it, as in transformers 5.
 */
export class StopStrings {
  readonly #strings: readonly Uint8Array[];
  readonly #longest: number;
  readonly #tokenBytes: TokenBytes;
  /** The last bytes before the newest token: one fewer than the longest string has. */
  #tail: Uint8Array = new Uint8Array(0);

  constructor(strings: readonly string[] | readonly Uint8Array[], tokenBytes: TokenBytes, prompt: readonly number[] = []) {
    this.#strings = strings.map((string) => (typeof string === "string" ? utf8.encode(string) : string));
    this.#longest = Math.max(...this.#strings.map((string) => string.length));
    this.#tokenBytes = tokenBytes;
    const pieces: Uint8Array[] = [];
    let length = 0;
    for (let i = prompt.length - 1; i >= 0 && length < this.#longest; i--) {
      const bytes = tokenBytes(prompt[i]!);
      pieces.unshift(bytes);
      length += bytes.length;
    }
    for (const bytes of pieces) this.#keep(joinBytes(this.#tail, bytes));
  }

  /** Takes the newest token; true when a stop string ends in it. */
  accept(token: number): boolean {
    const bytes = this.#tokenBytes(token);
    const text = joinBytes(this.#tail, bytes);
    this.#keep(text);
    return this.#strings.some((string) => endsWithin(text, string, bytes.length));
  }

  /** An independent copy. */
  fork(): StopStrings {
    const copy = new StopStrings(this.#strings, this.#tokenBytes);
    copy.#tail = this.#tail;
    return copy;
  }

  #keep(text: Uint8Array): void {
    this.#tail = text.slice(Math.max(0, text.length - this.#longest + 1));
  }
}

/** What looks for the stop strings of these settings behind a prompt; undefined where there are none. */
export function stopStringsOf(
  { stopStrings }: GenerationSettings,
  tokenBytes: TokenBytes | undefined,
  prompt: readonly number[],
): StopStrings | undefined {
  if (!stopStrings) return undefined;
  if (!tokenBytes) throw new TsumugiError("internal", { what: "stop strings were set without the bytes of tokens" });
  return new StopStrings(stopStrings, tokenBytes, prompt);
}

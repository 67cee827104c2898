import { TsumugiError } from "../errors.ts";
import type { TokenModel } from "./token-model.ts";
import type { TokenFlags, TokenSpec } from "./token-spec.ts";

/** A token that text is searched for before the model sees it. Fields as in tokenizer.json. */
export interface AddedToken extends Required<TokenFlags> {
  id: number;
  content: string;
  /** Whether the token was special in any of the places that name it: it stays so. */
  special: boolean;
}

/** Longest content, in UTF-16 units: at each place of a text as much of it may be read as the longest token has. */
const longestContent = 1024;

/**
 * The tokens that files add to a model's vocabulary. A token that the vocabulary has keeps its id. Others come behind the
 * vocabulary and the tokens before them, in the order in which they are added: ids that files give them do not count, as in
 * the Rust library. A token that is added again takes its new flags.
 *
 * Source: huggingface/tokenizers `AddedVocabulary::add_tokens`.
 */
export class AddedVocabulary {
  readonly #model: Pick<TokenModel, "ids" | "size">;
  readonly #normalize: (text: string) => string;
  readonly #ids = new Map<string, number>();
  readonly #tokens = new Map<number, AddedToken>();
  readonly #special = new Set<string>();
  /** Normalised contents where they differ: what such an id is decoded to. */
  readonly #forms = new Map<number, string>();

  constructor(model: Pick<TokenModel, "ids" | "size">, normalize: (text: string) => string) {
    this.#model = model;
    this.#normalize = normalize;
  }

  /** Adds tokens, of one file or place at a time. Those without content are passed over. */
  add(tokens: readonly TokenSpec[]): void {
    const { ids, size } = this.#model;
    let next = size;
    for (const id of this.#tokens.keys()) next = Math.max(next, id + 1);
    for (const { content, flags } of tokens) {
      if (content === "") continue;
      checkLength(content);
      const id = this.#ids.get(content) ?? ids.get(content) ?? next++;
      const { singleWord = false, lstrip = false, rstrip = false, special = false, normalized = !special } = flags;
      if (special) this.#special.add(content);
      if (normalized) {
        const form = this.#normalize(content);
        checkLength(form);
        if (form !== content) this.#forms.set(id, form);
      }
      this.#ids.set(content, id);
      this.#tokens.set(id, { id, content, singleWord, lstrip, rstrip, normalized, special });
    }
    for (const token of this.#tokens.values()) token.special = this.#special.has(token.content);
  }

  /** The tokens, in the order of their ids. */
  tokens(): AddedToken[] {
    return [...this.#tokens.values()].sort((a, b) => a.id - b.id);
  }

  /** The ids of contents. */
  get ids(): ReadonlyMap<string, number> {
    return this.#ids;
  }

  /** What a token is searched for as, once text is normalised. */
  formOf(token: AddedToken): string {
    return token.normalized ? (this.#forms.get(token.id) ?? token.content) : token.content;
  }

  /** What an id is decoded to; undefined where it is no added token's. */
  textOf(id: number): string | undefined {
    return this.#forms.get(id) ?? this.#tokens.get(id)?.content;
  }

  /** Whether a decoded token is a special one. One that normalisation changes is not found, as in the Rust library. */
  isSpecial(token: string): boolean {
    return this.#special.has(token);
  }
}

function checkLength(content: string): void {
  if (content.length <= longestContent) return;
  throw new TsumugiError("unsupported_tokenizer", {
    what: `an added token of more than ${longestContent} characters`,
    given: `${content.length} characters, \`${content.slice(0, 20)}…\``,
  });
}

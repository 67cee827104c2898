import { TsumugiError } from "../../errors.ts";

/** The metadata of a GGUF file: values by key. */
export type TokenizerMetadata = ReadonlyMap<string, unknown>;

const [unknown, control, userDefined] = [2, 3, 4];
const normal = 1;

/** Characters of the longest piece that may be made by merges: the work grows with their square. */
const longestMerge = 1000;

/** Tokens of a GGUF file, with what it says of each. */
export class GgufVocabulary {
  readonly #metadata: TokenizerMetadata;
  readonly #file: string;
  readonly #tokens: readonly string[];
  readonly #types: readonly unknown[];

  constructor(metadata: TokenizerMetadata, file: string) {
    this.#metadata = metadata;
    this.#file = file;
    const tokens = this.#list("tokens", (value) => typeof value === "string") as string[] | undefined;
    if (tokens === undefined || tokens.length === 0) this.#fail("it has no `tokenizer.ggml.tokens`");
    this.#tokens = unique(tokens ?? []);
    this.#types = this.#parallel("token_type") ?? [];
  }

  flag(name: string): boolean | undefined {
    const value = this.#metadata.get(`tokenizer.ggml.${name}`);
    return typeof value === "boolean" ? value : undefined;
  }

  text(name: string): string | undefined {
    const value = this.#metadata.get(`tokenizer.ggml.${name}`);
    return typeof value === "string" ? value : undefined;
  }

  /** The id that a key names; undefined where the key is not there, or its id is no token's. */
  idOf(key: string): number | undefined {
    const id = this.#metadata.get(key);
    return typeof id === "number" && Number.isInteger(id) && id >= 0 && id < this.#tokens.length ? id : undefined;
  }

  tokenOf(key: string): string | undefined {
    const id = this.idOf(key);
    return id === undefined ? undefined : this.#tokens[id];
  }

  unknownToken(): { unk_token?: string } {
    const token = this.tokenOf("tokenizer.ggml.unknown_token_id") ?? this.#tokens[this.#types.indexOf(unknown)];
    return token === undefined ? {} : { unk_token: token };
  }

  /** The table of ids. */
  ids(rename: (token: string) => string = (token) => token): Record<string, number> {
    return Object.fromEntries(this.#tokens.map((token, id) => [rename(token), id]));
  }

  /** Tokens that are found in text as they are: control, user-defined and unknown ones, and those in `named`. */
  addedTokens(named: ReadonlySet<string>): object[] {
    return this.#tokens.flatMap((content, id) => {
      const type = this.#types[id];
      const special = type === control || type === unknown || named.has(content);
      if (!special && type !== userDefined) return [];
      return [{ ...{ id, content, single_word: false, lstrip: false, rstrip: false, normalized: false }, special }];
    });
  }

  /** A post-processor that puts tokens around texts. */
  around(bos: string | undefined, eos: string | undefined): object | null {
    if (bos === undefined && eos === undefined) return null;
    const special = (id: string) => ({ SpecialToken: { id, type_id: 0 } });
    const of = (id: "A" | "B") => [
      ...(bos === undefined ? [] : [special(bos)]),
      { Sequence: { id, type_id: 0 } },
      ...(eos === undefined ? [] : [special(eos)]),
    ];
    const used = [bos, eos].filter((token) => token !== undefined);
    const entry = (token: string) => [token, { id: token, ids: [this.#tokens.indexOf(token)], tokens: [token] }] as const;
    return {
      ...{ type: "TemplateProcessing", single: of("A"), pair: [...of("A"), ...of("B")] },
      special_tokens: Object.fromEntries(used.map(entry)),
    };
  }

  /** Merges as byte-level BPE lists them. */
  listedMerges(): [string, string][] {
    const merges = this.#list("merges", (value) => typeof value === "string") as string[] | undefined;
    if (merges === undefined) return this.#fail("it has no `tokenizer.ggml.merges`");
    const known = new Set(this.#tokens);
    return merges.flatMap((merge, index) => {
      // the first character may be the space itself
      const cut = merge.indexOf(" ", 1);
      if (cut === -1) return this.#fail(`merge ${index + 1} is not two tokens`);
      const [left, right] = [merge.slice(0, cut), merge.slice(cut + 1)];
      // llama.cpp leaves out what makes no token
      return known.has(left) && known.has(right) && known.has(left + right) ? [[left, right] as [string, string]] : [];
    });
  }

  /** Merges of SentencePiece: all pairs of pieces that make a piece, those with the best score first. */
  scoredMerges(): [string, string][] {
    const scores = this.#scores();
    const ids = new Map(this.#tokens.map((token, id) => [token, id]));
    const isPiece = (id: number) => this.#types.length === 0 || this.#types[id] === normal || this.#types[id] === userDefined;
    const made = [...ids].filter(([, id]) => isPiece(id)).sort(([, a], [, b]) => scores[b]! - scores[a]! || a - b);
    const merges: [string, string][] = [];
    for (const [piece] of made) {
      if (piece.length > longestMerge) continue;
      for (let cut = 1; cut < piece.length; cut++) {
        const [left, right] = [piece.slice(0, cut), piece.slice(cut)];
        if (ids.has(left) && ids.has(right)) merges.push([left, right]);
      }
    }
    return merges;
  }

  scoredPieces(): [string, number][] {
    const scores = this.#scores();
    return this.#tokens.map((token, id) => [token, scores[id]!]);
  }

  /** SentencePiece's table of characters, in base 64. */
  characterTable(): string | undefined {
    const table = this.#metadata.get("tokenizer.ggml.precompiled_charsmap");
    if (!Array.isArray(table) || table.length === 0) return undefined;
    let binary = "";
    for (let at = 0; at < table.length; at += 8192) {
      binary += String.fromCharCode(...table.slice(at, at + 8192).map((byte) => Number(byte) & 255));
    }
    return btoa(binary);
  }

  #scores(): readonly number[] {
    const scores = this.#parallel("scores");
    if (scores === undefined) return this.#fail("it has no `tokenizer.ggml.scores`");
    return scores.map((score) => (typeof score === "number" && !Number.isNaN(score) ? score : 0));
  }

  /** A list with an entry for each token. */
  #parallel(name: string): readonly unknown[] | undefined {
    const list = this.#list(name, (value) => typeof value === "number");
    if (list === undefined || list.length === this.#tokens.length) return list;
    return this.#fail(`\`tokenizer.ggml.${name}\` has ${list.length} entries, and there are ${this.#tokens.length} tokens`);
  }

  #list(name: string, fits: (value: unknown) => boolean): readonly unknown[] | undefined {
    const list = this.#metadata.get(`tokenizer.ggml.${name}`);
    if (list === undefined) return undefined;
    if (Array.isArray(list) && list.every(fits)) return list;
    return this.#fail(`\`tokenizer.ggml.${name}\` is not a list of what it should hold`);
  }

  #fail(reason: string): never {
    throw new TsumugiError("invalid_tokenizer_file", { file: this.#file, reason });
  }
}

/** Tokens with names of their own: of those that are there twice, the later ones get one that no text has. */
function unique(tokens: readonly string[]): string[] {
  const seen = new Set<string>();
  return tokens.map((token, id) => {
    const name = seen.has(token) ? `${token}\u0000${id}` : token;
    seen.add(name);
    return name;
  });
}

import { TsumugiError } from "../errors.ts";
import type { SpecialTokenName, SpecialTokens, Tokenizer } from "./tokenizer.ts";
import { specialTokenNames, type TokenizerSettings } from "./tokenizer-config.ts";
import type { Vocabulary } from "./vocabulary.ts";

type Members = SpecialTokens &
  Pick<Tokenizer, "extraSpecialTokens" | "allSpecialTokens" | "allSpecialIds" | "specialTokensMap">;

/**
 * The special tokens of a tokenizer as properties: `padToken` (settable), `padTokenId`, and so on. Setting a token that is
 * not in the vocabulary is refused (`invalid_option`).
 */
export function createSpecialTokens(settings: TokenizerSettings, vocabulary: Vocabulary): Members {
  const named = new Map<SpecialTokenName, string>();
  for (const name of specialTokenNames) {
    const spec = settings.named[name];
    if (spec) named.set(name, spec.content);
  }
  const extra = settings.extra.map((spec) => spec.content);
  const all = () => [...new Set([...specialTokenNames.flatMap((name) => named.get(name) ?? []), ...extra])];
  const members = {
    get extraSpecialTokens() {
      return extra;
    },
    get allSpecialTokens() {
      return all();
    },
    get allSpecialIds() {
      return all().flatMap((token) => vocabulary.idOf(token) ?? []);
    },
    get specialTokensMap() {
      return Object.fromEntries(specialTokenNames.flatMap((name) => (named.has(name) ? [[name, named.get(name)]] : [])));
    },
  };
  for (const name of specialTokenNames) {
    const property = name.replace("_token", "Token");
    Object.defineProperty(members, property, {
      enumerable: true,
      configurable: true,
      get: () => named.get(name),
      set(token: unknown) {
        if (token === undefined || token === null) {
          named.delete(name);
          return;
        }
        if (typeof token !== "string" || vocabulary.idOf(token) === undefined)
          throw new TsumugiError("invalid_option", { option: property, expected: "a token of the vocabulary", given: token });
        named.set(name, token);
      },
    });
    Object.defineProperty(members, `${property}Id`, {
      enumerable: true,
      configurable: true,
      get: () => {
        const token = named.get(name);
        return token === undefined ? undefined : vocabulary.idOf(token);
      },
    });
  }
  return members as unknown as Members;
}

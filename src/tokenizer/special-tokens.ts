import { TsumugiError } from "../errors.ts";
import { type SpecialTokenSettings, specialTokenNames } from "./special-token-settings.ts";
import type { SpecialTokens, Tokenizer } from "./tokenizer.ts";
import type { Vocabulary } from "./vocabulary.ts";

type Members = SpecialTokens &
  Pick<Tokenizer, "extraSpecialTokens" | "allSpecialTokens" | "allSpecialIds" | "specialTokensMap">;

/**
 * The special tokens of a tokenizer as properties: `padToken` (settable), `padTokenId`, and so on. Setting a token that is
 * not in the vocabulary is refused (`invalid_option`).
 */
export function createSpecialTokens(settings: SpecialTokenSettings, vocabulary: Vocabulary): Members {
  const named = new Map(settings.named);
  const names = () => [...new Set([...specialTokenNames, ...named.keys()])].filter((name) => named.has(name));
  const tokenNamed = (name: string) => named.get(name) as string;
  const extra = [...settings.extra];
  const all = () => [...new Set([...names().map(tokenNamed), ...extra])];
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
      return Object.fromEntries(names().map((name) => [name, tokenNamed(name)]));
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

import { TsumugiError } from "../errors.ts";
import { oneOf } from "../util/one-of.ts";
import { checkOptionTypes } from "../util/option-types.ts";
import { checkList } from "./check-input.ts";
import { refuseUnknownOptions } from "./options.ts";
import type { Tokenizer, TokenNameOptions, UnknownIds } from "./tokenizer.ts";
import type { Vocabulary } from "./vocabulary.ts";

/**
 * The token of an id. Where there is none, `unknownIds` says whether that is an error (`unknown_token_id`) or gives
 * undefined; what is no id is refused in any case.
 */
export function tokenOf(vocabulary: Vocabulary, id: number, unknownIds: UnknownIds = "error"): string | undefined {
  const isId = Number.isSafeInteger(id) && id >= 0;
  const token = isId ? vocabulary.tokenOf(id) : undefined;
  if (token !== undefined || (isId && unknownIds === "skip")) return token;
  throw new TsumugiError("unknown_token_id", { given: id, limit: vocabulary.size });
}

/** The members of a tokenizer that turn names of tokens into ids, and back. */
export function tokenNames(
  vocabulary: Vocabulary,
  special: Pick<Tokenizer, "unkTokenId" | "allSpecialIds">,
): Pick<Tokenizer, "convertTokensToIds" | "convertIdsToTokens"> {
  return {
    convertTokensToIds(tokens: string | readonly string[]) {
      checkList(tokens, "The tokens", "a token or a list of tokens", "string");
      const idOf = (token: string): number => {
        const id = vocabulary.idOf(token) ?? special.unkTokenId;
        if (id !== undefined) return id;
        const expected = "in the vocabulary, since the tokenizer has no unknown token";
        throw new TsumugiError("invalid_input", { what: "The token", expected, given: token });
      };
      return typeof tokens === "string" ? idOf(tokens) : tokens.map(idOf);
    },
    convertIdsToTokens(ids: number | ArrayLike<number>, options: TokenNameOptions = {}) {
      refuseUnknownOptions(options, ["skipSpecialTokens", "unknownIds"]);
      checkOptionTypes(options, { skipSpecialTokens: "boolean" });
      oneOf("unknownIds", options.unknownIds, ["error", "skip", undefined]);
      checkList(ids, "The ids", "a token id or a list of token ids", "number");
      if (typeof ids === "number") return tokenOf(vocabulary, ids);
      const skipped = new Set(options.skipSpecialTokens ? special.allSpecialIds : []);
      return Array.from(ids)
        .filter((id) => !skipped.has(id))
        .flatMap((id) => tokenOf(vocabulary, id, options.unknownIds) ?? []);
    },
  } as Pick<Tokenizer, "convertTokensToIds" | "convertIdsToTokens">;
}

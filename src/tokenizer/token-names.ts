import { TsumugiError } from "../errors.ts";
import { checkOptionTypes } from "../util/option-types.ts";
import { checkList } from "./check-input.ts";
import { refuseUnknownOptions } from "./options.ts";
import type { Tokenizer } from "./tokenizer.ts";
import type { Vocabulary } from "./vocabulary.ts";

/** The token of an id; undefined where there is none. Refuses what is no id (`unknown_token_id`). */
export function tokenOf(vocabulary: Vocabulary, id: number): string | undefined {
  if (!Number.isSafeInteger(id) || id < 0) throw new TsumugiError("unknown_token_id", { given: id, limit: vocabulary.size });
  return vocabulary.tokenOf(id);
}

/** The members of a tokenizer that turn names of tokens into ids, and back. */
export function tokenNames(
  vocabulary: Vocabulary,
  special: Pick<Tokenizer, "unkTokenId" | "allSpecialIds">,
): Pick<Tokenizer, "convertTokensToIds" | "convertIdsToTokens"> {
  return {
    convertTokensToIds(tokens: string | readonly string[]) {
      checkList(tokens, "The tokens", "a token or a list of tokens", "string");
      const idOf = (token: string) => vocabulary.idOf(token) ?? special.unkTokenId;
      return typeof tokens === "string" ? idOf(tokens) : tokens.map(idOf);
    },
    convertIdsToTokens(ids: number | ArrayLike<number>, options: { skipSpecialTokens?: boolean } = {}) {
      refuseUnknownOptions(options, ["skipSpecialTokens"]);
      checkOptionTypes(options, { skipSpecialTokens: "boolean" });
      checkList(ids, "The ids", "a token id or a list of token ids", "number");
      if (typeof ids === "number") return tokenOf(vocabulary, ids);
      const skipped = new Set(options.skipSpecialTokens ? special.allSpecialIds : []);
      return Array.from(ids)
        .filter((id) => !skipped.has(id))
        .map((id) => tokenOf(vocabulary, id));
    },
  } as Pick<Tokenizer, "convertTokensToIds" | "convertIdsToTokens">;
}

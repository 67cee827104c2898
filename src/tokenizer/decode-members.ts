import { TsumugiError } from "../errors.ts";
import { oneOf } from "../util/one-of.ts";
import { checkOptionTypes } from "../util/option-types.ts";
import { checkList } from "./check-input.ts";
import { decodeTokens } from "./decode-stream.ts";
import { refuseUnknownOptions } from "./options.ts";
import { tokenOf } from "./token-names.ts";
import type { DecodeOptions, Decoding, Tokenizer } from "./tokenizer.ts";
import type { TokenizerSettings } from "./tokenizer-config.ts";
import type { Vocabulary } from "./vocabulary.ts";

const decodeOptions = ["skipSpecialTokens", "cleanUpTokenizationSpaces", "unknownIds"];
const decodeTypes = { skipSpecialTokens: "boolean", cleanUpTokenizationSpaces: "boolean" } as const;

/** The members of a tokenizer that make text of token ids. */
export function decodeMembers(
  decoding: Decoding,
  vocabulary: Vocabulary,
  settings: TokenizerSettings,
): Pick<Tokenizer, "decode" | "batchDecode" | "convertTokensToString"> {
  const members = {
    decode(ids: number | ArrayLike<number>, options: DecodeOptions = {}): string {
      refuseUnknownOptions(options, decodeOptions);
      checkOptionTypes(options, decodeTypes);
      checkList(ids, "The ids to decode", "a token id or a list of token ids", "number");
      oneOf("unknownIds", options.unknownIds ?? "error", ["error", "skip"]);
      if (typeof ids !== "number" && typeof ids[0] === "object") {
        const expected = "one row of token ids (use `batchDecode` for several)";
        throw new TsumugiError("invalid_input", { what: "The ids to decode", expected, given: ids });
      }
      const tokens: string[] = [];
      const row = typeof ids === "number" ? [ids] : ids;
      for (let i = 0; i < row.length; i++) {
        const id = row[i] as number;
        const token = tokenOf(vocabulary, id, options.unknownIds);
        if (token === undefined) continue;
        if (!options.skipSpecialTokens || !vocabulary.isSpecial(token)) tokens.push(token);
      }
      const cleanUp = (options.cleanUpTokenizationSpaces ?? settings.cleanUp) && !decoding.isBpe;
      return decodeTokens(decoding.decoder, tokens, { cleanUp });
    },
    batchDecode(rows: ArrayLike<number> | ArrayLike<ArrayLike<number>>, options: DecodeOptions = {}) {
      checkList(rows, "The rows to decode", "a list of rows, or one row");
      return isRow(rows) ? [members.decode(rows, options)] : Array.from(rows, (row) => members.decode(row, options));
    },
    convertTokensToString(tokens: readonly string[]) {
      checkList(tokens, "The tokens", "a list of tokens");
      return decodeTokens(decoding.decoder, tokens);
    },
  };
  return members;
}

/** Whether ids are one row and not several; without any, Python takes them for one. */
function isRow(rows: ArrayLike<number> | ArrayLike<ArrayLike<number>>): rows is ArrayLike<number> {
  return rows.length === 0 || typeof rows[0] === "number";
}

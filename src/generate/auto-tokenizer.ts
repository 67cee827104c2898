import { readGgufMetadata } from "../formats/file-gguf.ts";
import { type HubOptions, resolveGguf, resolveModel, selectTokenizerFiles } from "../hub/index.ts";
import type { Tokenizer } from "../tokenizer/index.ts";
import { refuseUnknownOptions } from "../tokenizer/options.ts";
import { oneOf } from "../util/one-of.ts";
import { checkOptionTypes } from "../util/option-types.ts";
import { ggufModelFiles } from "./gguf-files.ts";
import { loadTokenizer, type TokenizerOptions } from "./load-tokenizer.ts";

/** Options of `AutoTokenizer.fromPretrained`: those of the Hub, and what replaces the files' own settings. */
export interface TokenizerLoadOptions
  extends Pick<
      HubOptions,
      "revision" | "cacheDir" | "token" | "localFilesOnly" | "forceDownload" | "onProgress" | "endpoint" | "signal"
    >,
    TokenizerOptions {
  /** The tokenizer of this GGUF file of the folder or repository. Default: the files of transformers. */
  ggufFile?: string | undefined;
}

const hubOptions = ["revision", "cacheDir", "token", "localFilesOnly", "forceDownload", "onProgress", "endpoint", "signal"];

/**
 * Loads tokenizers.
 *
 * @example
 * ```ts
 * const tokenizer = await AutoTokenizer.fromPretrained("tsumugi-mini", { paddingSide: "left" });
 * console.log(tokenizer.encode("Once upon a time"));
 * ```
 */
export const AutoTokenizer = {
  /**
   * The tokenizer of a folder, of a GGUF file, or of a repository on the Hub (through the cache that Python uses).
   *
   * Without a tokenizer.json, a SentencePiece model, vocab.json with merges.txt, or the vocab.txt and emoji.json of GPT-NeoX
   * Japanese, is converted in memory. Errors:
   * `tokenizer_not_found`, `invalid_tokenizer_file`, `unsupported_tokenizer`, `unknown_option`, and the Hub's.
   *
   * @example
   * ```ts
   * const tokenizer = await AutoTokenizer.fromPretrained("tsumugi-mini");
   * tokenizer.applyChatTemplate([{ role: "user", content: "Hi" }], { tokenize: false, addGenerationPrompt: true });
   * ```
   */
  async fromPretrained(idOrDirectory: string, options: TokenizerLoadOptions = {}): Promise<Tokenizer> {
    refuseUnknownOptions(options, [...hubOptions, "ggufFile", "paddingSide", "truncationSide", "addBosToken", "addEosToken"]);
    const { ggufFile, paddingSide, truncationSide, addBosToken, addEosToken, ...hub } = options;
    oneOf("paddingSide", paddingSide, ["left", "right", undefined]);
    oneOf("truncationSide", truncationSide, ["left", "right", undefined]);
    checkOptionTypes(options, { addBosToken: "boolean", addEosToken: "boolean" });
    const own = { paddingSide, truncationSide, addBosToken, addEosToken };
    const gguf = await resolveGguf(idOrDirectory, ggufFile, hub);
    if (gguf) return loadTokenizer(ggufModelFiles(gguf.id, gguf.paths[0]!, await readGgufMetadata(gguf.paths[0]!)), own);
    return loadTokenizer(await resolveModel(idOrDirectory, { ...hub, files: selectTokenizerFiles }), own);
  },
};

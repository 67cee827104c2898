import { applyChatTemplate } from "../chat/index.ts";
import { TsumugiError } from "../errors.ts";
import { type HubOptions, type ModelDirectory, resolveModel, selectTokenizerFiles } from "../hub/index.ts";
import { createTokenizer, type Tokenizer } from "../tokenizer/index.ts";
import { oneOf, refuseUnknownOptions } from "../tokenizer/options.ts";
import { checkOptionTypes } from "../util/option-types.ts";

/** Options of `AutoTokenizer.fromPretrained`: those of the Hub, and what replaces the files' own settings. */
export interface TokenizerLoadOptions
  extends Pick<HubOptions, "revision" | "cacheDir" | "token" | "localFilesOnly" | "onProgress" | "endpoint" | "signal"> {
  /** Which side rows are padded on. Default: tokenizer_config.json's, else right. */
  paddingSide?: "left" | "right";
  /** Which side is cut off. Default: tokenizer_config.json's, else right. */
  truncationSide?: "left" | "right";
  /** Put BOS before each text, in place of tokenizer.json's post-processor. Default: the post-processor. */
  addBosToken?: boolean;
  /** Put EOS behind each text, in place of tokenizer.json's post-processor. Default: the post-processor. */
  addEosToken?: boolean;
}

const hubOptions = ["revision", "cacheDir", "token", "localFilesOnly", "onProgress", "endpoint", "signal"];

/** Loads tokenizers. */
export const AutoTokenizer = {
  /**
   * The tokenizer of a folder, or of a repository on the Hub (through the cache that Python uses).
   *
   * Needs tokenizer.json; SentencePiece's tokenizer.model alone is not read. Errors: `tokenizer_not_found`,
   * `unsupported_tokenizer`, `unknown_option`, and the Hub's.
   *
   * @example
   * ```ts
   * const tokenizer = await AutoTokenizer.fromPretrained("models/tsumugi-mini");
   * tokenizer.applyChatTemplate([{ role: "user", content: "Hi" }], { tokenize: false, addGenerationPrompt: true });
   * ```
   */
  async fromPretrained(idOrDirectory: string, options: TokenizerLoadOptions = {}): Promise<Tokenizer> {
    refuseUnknownOptions(options, [...hubOptions, "paddingSide", "truncationSide", "addBosToken", "addEosToken"]);
    const { paddingSide, truncationSide, addBosToken, addEosToken, ...hub } = options;
    oneOf("paddingSide", paddingSide, ["left", "right", undefined]);
    oneOf("truncationSide", truncationSide, ["left", "right", undefined]);
    checkOptionTypes(options, { addBosToken: "boolean", addEosToken: "boolean" });
    const files = await resolveModel(idOrDirectory, { ...hub, files: selectTokenizerFiles });
    return loadTokenizer(files, { paddingSide, truncationSide, addBosToken, addEosToken });
  },
};

/** The tokenizer among a model's files. */
export async function loadTokenizer(
  files: ModelDirectory,
  options: Pick<TokenizerLoadOptions, "paddingSide" | "truncationSide" | "addBosToken" | "addEosToken"> = {},
): Promise<Tokenizer> {
  const tokenizerJson = await files.readJson("tokenizer.json");
  if (tokenizerJson === undefined) {
    const sentencePiece = (await files.list()).some((name) => name.endsWith(".model"));
    const hint = sentencePiece
      ? "It has a SentencePiece model; convert it in Python: AutoTokenizer.from_pretrained(…).save_pretrained(…)."
      : "Check the name or the folder.";
    throw new TsumugiError("tokenizer_not_found", { model: files.id, hint });
  }
  const { addBosToken, addEosToken } = options;
  const tokenizer = createTokenizer(
    {
      tokenizerJson,
      tokenizerConfig: await files.readJson("tokenizer_config.json"),
      specialTokensMap: await files.readJson("special_tokens_map.json"),
      chatTemplateJinja: await files.readText("chat_template.jinja"),
      additionalChatTemplates: await additionalTemplates(files),
    },
    { applyChatTemplate, addBosToken, addEosToken },
  );
  if (options.paddingSide) tokenizer.paddingSide = options.paddingSide;
  if (options.truncationSide) tokenizer.truncationSide = options.truncationSide;
  return tokenizer;
}

async function additionalTemplates(files: ModelDirectory): Promise<Record<string, string>> {
  const templates: Record<string, string> = {};
  for (const path of await files.list()) {
    const name = /^additional_chat_templates\/([^/]+)\.jinja$/.exec(path)?.[1];
    const text = name === undefined ? undefined : await files.readText(path);
    if (name !== undefined && text !== undefined) templates[name] = text;
  }
  return templates;
}

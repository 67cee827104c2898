import { applyChatTemplate } from "../chat/index.ts";
import { TsumugiError } from "../errors.ts";
import { type HubOptions, type ModelDirectory, resolveModel, selectTokenizerFiles } from "../hub/index.ts";
import { convertCheckpoint, createTokenizer, type Tokenizer } from "../tokenizer/index.ts";
import { refuseUnknownOptions } from "../tokenizer/options.ts";
import { oneOf } from "../util/one-of.ts";
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
   * The tokenizer of a folder, or of a repository on the Hub (through the cache that Python uses).
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
  const tokenizerConfig = await files.readJson("tokenizer_config.json");
  const specialTokensMap = await files.readJson("special_tokens_map.json");
  const tokenizerJson = await files.readJson("tokenizer.json");
  const converted = tokenizerJson === undefined ? await convert(files, tokenizerConfig, specialTokensMap) : undefined;
  const tokenizer = createTokenizer(
    {
      tokenizerJson: converted?.tokenizerJson ?? tokenizerJson,
      tokenizerConfig: converted?.tokenizerConfig ?? tokenizerConfig,
      specialTokensMap,
      chatTemplateJinja: await files.readText("chat_template.jinja"),
      additionalChatTemplates: await additionalTemplates(files),
    },
    {
      applyChatTemplate,
      addBosToken: options.addBosToken ?? converted?.addBosToken,
      addEosToken: options.addEosToken ?? converted?.addEosToken,
    },
  );
  if (options.paddingSide) tokenizer.paddingSide = options.paddingSide;
  if (options.truncationSide) tokenizer.truncationSide = options.truncationSide;
  return tokenizer;
}

/** A tokenizer of a SentencePiece model, of vocab.json and merges.txt, or of vocab.txt and emoji.json. */
async function convert(files: ModelDirectory, tokenizerConfig: unknown, specialTokensMap: unknown) {
  const models = (await files.list()).filter((name) => /^[^/]+\.model$/.test(name));
  const file = ["tokenizer.model", "spiece.model"].find((name) => models.includes(name)) ?? models[0];
  const bytes = file === undefined ? undefined : await files.readBytes(file);
  const converted = convertCheckpoint({
    tokenizerConfig,
    specialTokensMap,
    config: await files.readJson("config.json"),
    addedTokens: await files.readJson("added_tokens.json"),
    sentencePiece: file !== undefined && bytes ? { file, bytes } : undefined,
    vocab: await files.readJson("vocab.json"),
    merges: await files.readText("merges.txt"),
    words: await files.readText("vocab.txt"),
    emoji: await files.readJson("emoji.json"),
  });
  if (converted) return converted;
  const hint = "There is no tokenizer.json, SentencePiece model, or vocab.json with merges.txt; check the name or the folder.";
  throw new TsumugiError("tokenizer_not_found", { model: files.id, hint });
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

import { applyChatTemplate } from "../chat/index.ts";
import { TsumugiError } from "../errors.ts";
import type { ModelFiles } from "../hub/model-files.ts";
import { convertCheckpoint, createTokenizerAsync, type Tokenizer } from "../tokenizer/index.ts";
import { inSlices, loadingSlice } from "../tokenizer/slices.ts";
import { parseJsonInSteps } from "../util/json-steps.ts";

/** What replaces the settings of a tokenizer's files. */
export interface TokenizerOptions {
  /** Which side rows are padded on. Default: tokenizer_config.json's, else right. */
  paddingSide?: "left" | "right" | undefined;
  /** Which side is cut off. Default: tokenizer_config.json's, else right. */
  truncationSide?: "left" | "right" | undefined;
  /** Put BOS before each text, in place of tokenizer.json's post-processor. Default: the post-processor. */
  addBosToken?: boolean | undefined;
  /** Put EOS behind each text, in place of tokenizer.json's post-processor. Default: the post-processor. */
  addEosToken?: boolean | undefined;
}

/** The tokenizer among a model's files. */
export async function loadTokenizer(files: ModelFiles, options: TokenizerOptions = {}): Promise<Tokenizer> {
  const tokenizerConfig = await files.readJson("tokenizer_config.json");
  const specialTokensMap = await files.readJson("special_tokens_map.json");
  const tokenizerJson = await readTokenizerJson(files);
  const converted = tokenizerJson === undefined ? await convert(files, tokenizerConfig, specialTokensMap) : undefined;
  const tokenizer = await createTokenizerAsync(
    {
      tokenizerJson: converted?.tokenizerJson ?? tokenizerJson,
      tokenizerConfig: converted?.tokenizerConfig ?? tokenizerConfig,
      specialTokensMap,
      addedTokens: await files.readJson("added_tokens.json"),
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

/** The value of tokenizer.json. A large one holds the event loop only in slices. */
async function readTokenizerJson(files: ModelFiles): Promise<unknown> {
  if (files.isMade) return files.readJson("tokenizer.json");
  const bytes = await files.readBytes("tokenizer.json");
  if (bytes === undefined) return undefined;
  const text = decodeUtf8(bytes);
  const value = text && (await inSlices(parseJsonInSteps(text, ["vocab", "merges"]), loadingSlice));
  return value || (await files.readJson("tokenizer.json"));
}

/** The text of bytes that are UTF-8. */
function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** A tokenizer of a SentencePiece model, of vocab.json and merges.txt, or of vocab.txt and emoji.json. */
async function convert(files: ModelFiles, tokenizerConfig: unknown, specialTokensMap: unknown) {
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

async function additionalTemplates(files: ModelFiles): Promise<Record<string, string>> {
  const templates: Record<string, string> = {};
  for (const path of await files.list()) {
    const name = /^additional_chat_templates\/([^/]+)\.jinja$/.exec(path)?.[1];
    const text = name === undefined ? undefined : await files.readText(path);
    if (name !== undefined && text !== undefined) templates[name] = text;
  }
  return templates;
}

import { escapeCharacter } from "./util/printable.ts";
import { showValue } from "./util/show-value.ts";

/**
 * Every error that a user can see: one table of code, message template and HTTP status.
 *
 * A message names the option or operation, the limit, and the value given. `{name}` in a template is filled from the
 * details. The value of an option is shown as JSON, so that "5" is not taken for 5; where words describe what was given
 * ("2 rows"), they come as the detail `found` and take the place of `{given}`. To add an error, add its line here and in
 * docs/errors.md (a test holds the two together).
 */
const table = {
  // options and arguments
  unknown_option: { status: 400, message: "Unknown option `{option}`{hint}." },
  unsupported_option: { status: 400, message: "Option `{option}` is not supported: {reason}." },
  invalid_option: { status: 400, message: "Option `{option}` must be {expected}. Given: {given}." },
  conflicting_options: { status: 400, message: "Options {options} cannot be used together: {reason}." },
  invalid_input: { status: 400, message: "{what} must be {expected}. Given: {given}." },
  input_too_long: { status: 400, message: "Input length of `inputIds` is {given}, but `{option}` is set to {limit}. {hint}" },
  request_too_large: { status: 400, message: "The request needs {given} {what}, but the engine has {limit}. {hint}" },
  cache_full: {
    status: 503,
    message: "The KV cache is too small for this request even alone: `{state}` has {limit} blocks, it needs {given} now.",
  },
  queue_full: {
    status: 429,
    message:
      "The queue is full: {waiting} requests wait while {running} run, and `maxWaiting` is {limit}. Send the request again later, or raise `maxWaiting`.",
  },
  aborted: { status: 499, message: "The request was aborted." },
  invalid_probabilities: { status: 500, message: "No token can be drawn: {reason}." },
  unknown_task: { status: 400, message: "Unknown pipeline task `{task}`. Supported: {supported}.{hint}" },
  disposed: { status: 500, message: "{what} was used after dispose()." },
  // models and checkpoints
  model_unsupported: {
    status: 400,
    message:
      "Model type `{given}` is not supported.{hint} The types that load are `supportedModelTypes` and `supportedMultimodalTypes`, listed in docs/architectures.md.",
  },
  model_class: {
    status: 400,
    message: '`{asked}` cannot load a model of type `{given}`. Use `{right}`, or the task `"{task}"` of `pipeline`.',
  },
  config_invalid: { status: 400, message: "config.json: `{field}` is wrong: {expected}. Given: {given}." },
  config_unsupported: { status: 400, message: "config.json: `{field}` = {given} is not supported. Supported: {supported}." },
  generation_config_invalid: {
    status: 400,
    message:
      "The model's {file}: `{field}` must be {expected}. Given: {given}. Correct the file, or set `{option}` in the call (null: unset).",
  },
  weights_missing: {
    status: 400,
    message: "The checkpoint lacks {count} of the tensors that {modelType} needs: {names}. {hint}",
  },
  weight_dtype: {
    status: 400,
    message: "Weight {name} is stored as {given}, which cannot be computed with. Supported: {supported}.{hint}",
  },
  weight_shape: { status: 400, message: "Weight {name} must have shape {expected}. The checkpoint has {given}." },
  quantised_tensor: {
    status: 400,
    message: "Tensor {name} of the quantised checkpoint must be {expected}. Given: {given}.",
  },
  adapter_unsupported: {
    status: 400,
    message:
      "The adapter in {directory} cannot be applied: {reason}. Merge it into the model once with Python's peft (`merge_and_unload()`, then `save_pretrained`); or take adapter_config.json out of the folder to load the model without it.",
  },
  adapter_invalid: { status: 400, message: "The adapter in {directory} is damaged: {reason}." },
  adapter_base_missing: {
    status: 404,
    message:
      "{directory} holds an adapter and no model. Its adapter_config.json names {base} as the base model (`base_model_name_or_path`): {reason}. Write the path of the base model's folder or its Hub id there, or put the files of the base model into the same folder.",
  },
  checkpoint_missing: {
    status: 404,
    message:
      "{directory} has neither model.safetensors nor model.safetensors.index.json, and tsumugi reads no other weights. {found}",
  },
  model_not_saved: { status: 400, message: "The model cannot be saved: {reason}." },
  output_exists: {
    status: 409,
    message: "The output {directory} is there already, and nothing was written. Give another path, or empty this one.",
  },
  output_unwritable: { status: 500, message: "The output {directory} cannot be written: {reason}." },
  pytorch_invalid: { status: 400, message: "{file} cannot be read as weights of PyTorch: {reason}." },
  pickle_refused: {
    status: 400,
    message:
      "{file} is no pickle of weights alone, and nothing in it was run: {reason}. If you trust it, open it once in Python and save the model with `save_pretrained`.",
  },
  convert_unsupported: { status: 400, message: "{directory} cannot be converted: {reason}." },
  tensor_missing: { status: 400, message: "The checkpoint has no tensor {name}." },
  file_unreadable: { status: 400, message: "Cannot read {file}: {reason}." },
  safetensors_truncated: {
    status: 400,
    message:
      "{file}: expected {expected}, the file has {given} bytes. Copy it again, or download it again (`forceDownload`, `tsumugi download --force`).",
  },
  safetensors_pointer: {
    status: 400,
    message: "{file} is a Git LFS pointer: the weights were not downloaded. Run `git lfs pull` in its folder.",
  },
  safetensors_foreign: { status: 400, message: "{file} is no safetensors file: {reason}." },
  safetensors_header_too_long: { status: 400, message: "{file}: the header may have at most {limit} bytes. Given: {given}." },
  safetensors_too_many: { status: 400, message: "{file}: a file may have at most {limit} tensors. Given: {given}." },
  safetensors_json: { status: 400, message: "{file}: the JSON is not valid: {reason}." },
  safetensors_duplicate_key: { status: 400, message: "{file}: `{key}` is there twice." },
  safetensors_entry: { status: 400, message: "{file}: entry {tensor} must be {expected}. Given: {given}." },
  safetensors_dtype: { status: 400, message: "{file}: tensor {tensor} has unknown dtype {given}. Known: {supported}." },
  safetensors_shape: {
    status: 400,
    message: "{file}: the shape of tensor {tensor} must be non-negative integers with a product below 2^53. Given: {given}.",
  },
  safetensors_size: {
    status: 400,
    message: "{file}: tensor {tensor} must have {expected} bytes by its shape and dtype. Given: {given}.",
  },
  safetensors_offsets: { status: 400, message: "{file}: offsets of tensor {tensor}: expected {expected}. Given: {given}." },
  safetensors_index: { status: 400, message: "{file}: {reason}." },
  gguf_invalid: { status: 400, message: "{file} is no valid GGUF file: {reason}." },
  gguf_unsupported: { status: 400, message: "{file}: {what} is not supported. Given: {given}. Supported: {supported}." },
  // backends
  batch_invalid: { status: 500, message: "Batch: {what}: expected {expected}. Given: {given}." },
  native_addon_missing: {
    status: 500,
    message: "Device `cpu` needs the native addon, {reason}. {hint}, or use device `reference`.{log}",
  },
  op_unsupported: { status: 500, message: "Device `cpu` does not support {op}. Supported: {known}. Device `reference` works." },
  weights_unreadable: { status: 500, message: "The weights could not be read: {reason}." },
  out_of_memory: {
    status: 507,
    message:
      "There is not enough memory: the session needs {given} bytes. Lower `contextTokens`, `cacheBytes` or `maxBatchSize`.",
  },
  memory_insufficient: {
    status: 507,
    message:
      "The model does not fit into the free memory: it needs {needed}, and there are {available}. {fitting} `checkMemory: false` (`--no-check-memory`) loads it all the same.",
  },
  limits_invalid: { status: 500, message: "Limit `{limit}` must be {expected}. Given: {given}." },
  // programs
  op_invalid: { status: 500, message: "[{op}] {what}: expected {expected}, given {given}." },
  op_unknown: { status: 500, message: "Unknown op `{op}`. Known: {known}." },
  internal: { status: 500, message: "Internal error: {what}. This is a bug in tsumugi." },
  // tokenizer and chat templates
  unsupported_tokenizer: { status: 400, message: "tokenizer.json cannot be used: {what} is not supported. Given: {given}." },
  invalid_tokenizer_file: { status: 400, message: "The tokenizer file `{file}` cannot be read: {reason}." },
  unknown_text: {
    status: 400,
    message:
      "The tokenizer has no token for {text}: no token stands for it, and {reason}. Leave the text out, or give the model's vocabulary an unknown token in tokenizer.json.",
  },
  text_outgrown: {
    status: 400,
    message:
      "The `{part}` of tokenizer.json would make {given} characters of a text of {text}; at most {limit} are made of it. Its steps let texts grow without need (`Replace`, `Prepend`): correct them.",
  },
  missing_pad_token: {
    status: 400,
    message:
      "Asking to pad but the tokenizer does not have a padding token. Please select a token to use as `padToken` (`tokenizer.padToken = tokenizer.eosToken` e.g.).",
  },
  unknown_token_id: { status: 400, message: "Token id {given} is not in the tokenizer's vocabulary of {limit} tokens." },
  tokenizer_not_found: { status: 404, message: "`{model}` has no tokenizer. {hint}" },
  missing_chat_template: { status: 400, message: "There is no chat template to use: {reason}." },
  chat_template_failed: { status: 400, message: "The chat template failed: {reason}" },
  stream_timeout: { status: 504, message: "No text arrived within {limit} ms (option `timeout`)." },
  // the Hub and the files of a model
  model_not_found: {
    status: 404,
    message:
      "`{given}` is neither an existing folder nor a valid Hub model id: {reason}.{hint} Give the path of a model's folder, or an id such as `org/name`.",
  },
  model_incomplete: { status: 404, message: "The model's folder {directory} {reason}." },
  hub_repository_not_found: {
    status: 404,
    message:
      "The repository `{repository}` was not found at {endpoint}, or it is private. Check the spelling; for a private model {hint}.",
  },
  hub_revision_not_found: {
    status: 404,
    message:
      "The repository `{repository}` has no revision `{revision}` at {endpoint}. Use one of its branches, tags or commits.",
  },
  hub_file_not_found: {
    status: 404,
    message: "The file `{file}` is not in the repository `{repository}` at revision `{revision}`.",
  },
  hub_gated: {
    status: 403,
    message: "The model `{repository}` is gated. Visit {page}, log in and accept its licence, then {hint}.",
  },
  hub_access_denied: {
    status: 403,
    message: "The Hub refused access to `{repository}` (HTTP {httpStatus}{detail}): {hint}.",
  },
  hub_token_invalid: {
    status: 401,
    message:
      "The Hub token of {source} cannot be sent: {reason}. Copy the token again from https://huggingface.co/settings/tokens, without anything around it.",
  },
  hub_proxy_invalid: {
    status: 400,
    message:
      "The proxy that {variable} names cannot be used: {reason}. Given: {given}. Write it as http://host:port or http://name:password@host:port, or unset the variable.",
  },
  hub_not_cached: {
    status: 503,
    message: "`{repository}` (revision `{revision}`) is not complete in the cache {cacheDirectory}: {missing}. {reason}",
  },
  hub_unreachable: {
    status: 503,
    message:
      "Could not reach {url} after {attempts} attempts: {reason}. Check the network, HF_ENDPOINT and proxies, or set HF_HUB_OFFLINE=1 to use the cache only.",
  },
  hub_bad_response: { status: 502, message: "{url} gave an answer that a Hub does not give: {reason}." },
  hub_corrupt_download: {
    status: 502,
    message:
      "The download of `{file}` of `{repository}` is damaged and was deleted: {what} should be {expected}, but is {given}. Try again; if it happens again, a proxy or the server changes the file.",
  },
  hub_disk_full: {
    status: 507,
    message:
      "No space left on the disk of {path} while writing `{file}` ({needed} bytes needed, {free} free). Free some, or choose another disk with HF_HUB_CACHE or `cacheDir`.",
  },
  hub_cache_not_writable: {
    status: 500,
    message:
      "Cannot write {path} in the model cache: {reason}. Check its permissions, or choose another folder with HF_HUB_CACHE or `cacheDir`.",
  },
  safetensors_required: {
    status: 400,
    message:
      "The repository `{repository}` has neither model.safetensors nor model.safetensors.index.json, and tsumugi reads no other weights. {found}",
  },
  invalid_json_file: { status: 400, message: "{path} is not valid JSON: {reason}." },
} as const satisfies Record<string, { status: number; message: string }>;

/** The code of an error: stable, for programs to compare. */
export type ErrorCode = keyof typeof table;

/** Values that fill a message template. */
export type ErrorDetails = Record<string, unknown>;

const marker = Symbol.for("tsumugi.error");

/**
 * The one class of errors that tsumugi throws on purpose.
 *
 * @example
 * ```ts
 * try {
 *   await model.generate({ inputIds: [[1]], maxNewTokens: -1 });
 * } catch (error) {
 *   if (TsumugiError.isInstance(error)) console.error(error.code, error.details);
 * }
 * ```
 */
export class TsumugiError extends Error {
  override readonly name = "TsumugiError";
  readonly code: ErrorCode;
  readonly details: ErrorDetails;
  /** The HTTP status a server answers with. */
  readonly status: number;

  constructor(code: ErrorCode, details: ErrorDetails = {}, options?: { cause?: unknown }) {
    super(fill(code, details), options);
    this.code = code;
    this.details = details;
    this.status = table[code].status;
    Object.defineProperty(this, marker, { value: true });
  }

  /** Works across copies of the package, where `instanceof` does not. */
  static isInstance(value: unknown): value is TsumugiError {
    return typeof value === "object" && value !== null && marker in value;
  }
}

/**
 * All codes, for tests and documentation.
 *
 * @example
 * ```ts
 * console.log(errorCodes.includes("input_too_long")); // true
 * ```
 */
export const errorCodes = Object.keys(table) as ErrorCode[];

/**
 * The template of a code's message, with its fields in braces, and the HTTP status that a server answers with.
 *
 * @param code one of `errorCodes`
 * @example
 * ```ts
 * const { status, message } = describeError("input_too_long");
 * console.log(status, message); // 400 Input length of `inputIds` is {given}, …
 * ```
 */
export function describeError(code: ErrorCode): { status: number; message: string } {
  return table[code];
}

/** Control characters but for line ends and tabs: a terminal would obey what a file or a server has written. */
const controls = /[\0-\x08\x0b-\x1f\x7f-\x9f]/g;

/** Codes whose given value is a value of a program or a file: a text is shown as one. */
const quoting: readonly ErrorCode[] = ["invalid_option", "generation_config_invalid"];

function fill(code: ErrorCode, details: ErrorDetails): string {
  return table[code].message.replace(/\{(\w+)\}/g, (_, name: string) => {
    if (name === "given" && details.given === undefined && typeof details.found === "string") return details.found;
    return show(details[name], name, name === "given" && quoting.includes(code));
  });
}

function show(value: unknown, name: string, isQuoted: boolean): string {
  if (value === undefined) return name === "given" ? "undefined" : "";
  if (name === "given" && value === "") return '""';
  if (typeof value === "string" && !isQuoted) return value.replace(controls, escapeCharacter);
  return showValue(value);
}

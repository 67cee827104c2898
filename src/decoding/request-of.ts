import { TsumugiError } from "../errors.ts";
import { isSearch } from "./beams/check-beams.ts";
import { searchRequest } from "./beams/search-request.ts";
import type { GenerationSettings } from "./generation-settings.ts";
import type { RequestOptions, RowRequest } from "./request-options.ts";
import type { RequestPrompt } from "./request-prompt.ts";
import { rowRequest } from "./row-request.ts";

/**
 * The engine's request for one prompt, decoded as the settings say: greedy, sampling, guided, or a search over beams or
 * candidates. It knows nothing of other prompts but `options.place`.
 *
 * @throws `invalid_option`, `conflicting_options` where a processor cannot work in this mode
 *
 * @example
 * ```ts
 * const request = requestOf(resolveSettings({ stopStrings: "." }, {}, {}), { tokens }, { model, maxNewTokens: 20, tokenBytes });
 * const result = await engine.submit(request).result;
 * const [row] = request.rows(result);
 * console.log(tokenizer.decode(row.newTokens), row.finishReason);
 * ```
 */
export function requestOf(settings: GenerationSettings, prompt: RequestPrompt, options: RequestOptions): RowRequest {
  if (settings.doSample && !options.stream) throw new TsumugiError("internal", { what: "sampling has no random stream" });
  return isSearch(settings) ? searchRequest(settings, prompt, options) : rowRequest(settings, prompt, options);
}

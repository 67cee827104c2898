import { readFile } from "node:fs/promises";
import { type HubEnvironment, readHubEnvironment } from "./environment.ts";

/**
 * The Hub token to send, or undefined: the option if given ("" sends none), else HF_TOKEN, HUGGING_FACE_HUB_TOKEN, or
 * the file that `hf auth login` writes (HF_TOKEN_PATH, or token in HF_HOME). HF_HUB_DISABLE_IMPLICIT_TOKEN=1 leaves
 * only the option.
 *
 * @example
 * ```ts
 * const token = await findToken();
 * console.log(token === undefined ? "not logged in" : "logged in");
 * ```
 */
export async function findToken(
  option?: string,
  environment: HubEnvironment = readHubEnvironment(),
): Promise<string | undefined> {
  if (option !== undefined) return clean(option);
  if (environment.implicitTokenDisabled) return undefined;
  const fromEnvironment = clean(environment.token ?? "");
  if (fromEnvironment !== undefined) return fromEnvironment;
  try {
    return clean(await readFile(environment.tokenPath, "utf8"));
  } catch {
    return undefined; // without a file that can be read, nobody is logged in
  }
}

function clean(token: string): string | undefined {
  return token.replace(/[\r\n]/g, "").trim() || undefined;
}

import { open } from "node:fs/promises";
import { TsumugiError } from "../errors.ts";
import { warnOnce } from "../util/warnings.ts";
import { type HubEnvironment, readHubEnvironment } from "./environment.ts";

/** A Hub token, and where it comes from, in words for a message. */
export type FoundToken = { value: string; source: string };

/** More than any token has. */
const tokenFileLimit = 64 * 1024;

/**
 * The Hub token to send, or undefined: the option if given ("" sends none), else HF_TOKEN, HUGGING_FACE_HUB_TOKEN, or
 * the file that `hf auth login` writes (HF_TOKEN_PATH, or token in HF_HOME). HF_HUB_DISABLE_IMPLICIT_TOKEN=1 leaves
 * only the option. Warns once of a token file that other users of the machine can read. Error: `hub_token_invalid`.
 *
 * @example
 * ```ts
 * const token = await findToken();
 * console.log(token === undefined ? "not logged in" : "logged in");
 * ```
 */
export async function findToken(option?: string, environment?: HubEnvironment): Promise<string | undefined> {
  return (await locateToken(option, environment))?.value;
}

/** As `findToken`, with the place where the token was found. */
export async function locateToken(
  option?: string,
  environment: HubEnvironment = readHubEnvironment(),
): Promise<FoundToken | undefined> {
  if (option !== undefined) return clean(option, "the option `token`");
  if (environment.implicitTokenDisabled) return undefined;
  const { token, tokenVariable, tokenPath } = environment;
  const fromEnvironment = token === undefined ? undefined : clean(token, tokenVariable);
  if (fromEnvironment !== undefined) return fromEnvironment;
  return clean(await readTokenFile(tokenPath), `the file ${tokenPath}`);
}

async function readTokenFile(path: string): Promise<string> {
  try {
    const file = await open(path);
    try {
      const { mode } = await file.stat();
      const { buffer, bytesRead } = await file.read(Buffer.alloc(tokenFileLimit), 0, tokenFileLimit);
      const text = buffer.toString("utf8", 0, bytesRead);
      if (text.trim() !== "" && process.platform !== "win32" && (mode & 0o044) !== 0) {
        warnOnce(`other users of this machine can read the Hub token in ${path}: run \`chmod 600 ${path}\`.`);
      }
      return text;
    } finally {
      await file.close();
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // without a file nobody is logged in
    if (code !== "ENOENT" && code !== "ENOTDIR") {
      warnOnce(`the Hub token in ${path} cannot be read (${code}): requests are sent without a token.`);
    }
    return "";
  }
}

/** Without blanks around and line ends, as Python cleans it; undefined where nothing is left. The value is in no message. */
function clean(token: string, source: string): FoundToken | undefined {
  const value = token.replace(/[\r\n]/g, "").trim();
  if (value === "") return undefined;
  const wrong = /[^\x21-\x7e]/u.exec(value);
  if (wrong !== null) {
    const place = `character ${wrong.index + 1} of ${value.length}`;
    const reason = /\s/.test(wrong[0]) ? `${place} is a blank` : `${place} is not a printable ASCII character`;
    throw new TsumugiError("hub_token_invalid", { source, reason });
  }
  return { value, source };
}

import { relativePathProblem } from "./repository-id.ts";

/** Names that are devices on Windows, with any ending. */
const deviceName = /^(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³])( *\..*| *)$/i;
/** The folder in which git keeps its hooks, also by the names that Windows and macOS take for the same. */
const gitFolder = /^(\.git[. ]*|git~\d)(::?\$.*)?$/i;
/** Ignorable characters that macOS leaves out of names. */
const ignorable = /[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]/g;

/**
 * Why a file of a repository may not be written into the cache under this name, or undefined where it may: it would lie outside
 * of its folder, be a device, hold settings that programs run, or make a terminal obey.
 */
export function fileNameProblem(name: string, platform: NodeJS.Platform = process.platform): string | undefined {
  const problem = relativePathProblem(name);
  if (problem !== undefined) return problem;
  if (name.length > 1000) return "it is longer than 1,000 characters";
  for (const part of name.split("/")) {
    if (/[\p{Cc}\u202a-\u202e\u2066-\u2069]/u.test(part)) return "it contains a control character";
    if (gitFolder.test(part.replace(ignorable, ""))) return "`.git` is git's own folder";
    if (deviceName.test(part)) return `\`${part}\` is a device on Windows`;
    if (platform === "win32" && (/[<>:"|?*]/.test(part) || /[. ]$/.test(part))) return "Windows has no such file names";
  }
  return undefined;
}

import { readdir } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { type ErrorCode, TsumugiError } from "../errors.ts";
import { describeOtherWeights } from "../formats/weight-files.ts";
import { nearestName } from "../util/nearest-name.ts";
import { printable } from "../util/printable.ts";
import { bundledModelNames } from "./bundled-models.ts";
import { repositoryIdProblem } from "./repository-id.ts";

/** What a name that no model has was given as. */
export type GivenName = {
  given: string;
  /** Its path, if it is one. */
  path: string;
  /** Whether a file lies there. */
  isFile: boolean;
};

/**
 * The error of a name that can be no model's, or undefined for one that the Hub can be asked for: a path at which no folder is,
 * the name of a file, or no valid id.
 */
export async function nameProblem({ given, path, isFile }: GivenName): Promise<TsumugiError | undefined> {
  const reason = fileProblem(given, isFile) ?? (await folderProblem(given, path)) ?? idProblem(given);
  return reason === undefined ? undefined : notFound(given, reason);
}

/** The error of an id, without an organisation, that is a slip of the model's in the box; undefined for any other. */
export function misspeltName(id: string): TsumugiError | undefined {
  const isSlip = !id.includes("/") && nearBundled(id) !== undefined;
  return isSlip ? notFound(id, "there is no such folder, and no such model on the Hub") : undefined;
}

/** Errors of the Hub that may come of a name that is misspelt. */
export const maybeMisspelt: readonly ErrorCode[] = ["hub_repository_not_found", "hub_not_cached", "hub_unreachable"];

function notFound(given: string, reason: string): TsumugiError {
  const near = nearBundled(basename(given));
  const hint = near === undefined ? "" : ` Did you mean \`${near}\`, the model in the box?`;
  return new TsumugiError("model_not_found", { given, reason: reason.replace(/\.$/, ""), hint });
}

function nearBundled(name: string): string | undefined {
  const near = nearestName(name.replace(/[_ ]/g, "-"), bundledModelNames);
  return near === name ? undefined : near;
}

/** Why the name of a file is no name of a model. */
function fileProblem(given: string, isFile: boolean): string | undefined {
  const name = basename(given);
  const kind = /\.(safetensors|gguf|onnx|bin|pth?|h5)$/.test(name) ? describeOtherWeights([name], dirname(given)) : undefined;
  if (!isFile && kind === undefined) return undefined;
  const advice = name.endsWith(".safetensors") ? "Give the folder that it is in, with its config.json" : (kind ?? "");
  return `it is the name of a file, and a model is a folder. ${advice}`.trim();
}

/** What is there instead of the folder that a path names. */
async function folderProblem(given: string, path: string): Promise<string | undefined> {
  if (!/^([./~]|[A-Za-z]:[\\/])/.test(given)) return undefined;
  const parent = dirname(path);
  const entries = await readdir(parent, { withFileTypes: true }).catch(() => undefined);
  if (entries === undefined) return `there is no such folder, nor a folder ${parent}`;
  const folders = entries.filter((entry) => !entry.isFile() && !entry.name.startsWith(".")).map(({ name }) => name);
  const near = nearestName(basename(path), folders);
  if (near !== undefined) return `there is no such folder, but ${parent} has \`${printable(near, 100)}\``;
  const shown = folders.slice(0, 5).map((name) => printable(name, 100));
  const more = folders.length > shown.length ? ` and ${folders.length - shown.length} more` : "";
  return `there is no such folder; ${parent} has ${shown.length === 0 ? "no folders" : `the folders ${shown.join(", ")}${more}`}`;
}

function idProblem(given: string): string | undefined {
  const id = /^https?:\/\/[^/]+\/([^/?#]+\/[^/?#]+)/.exec(given)?.[1];
  if (id !== undefined && repositoryIdProblem(id) === undefined)
    return `it is the address of a web page, whose model has the id \`${id}\``;
  const problem = repositoryIdProblem(given);
  return problem === undefined ? undefined : `there is no such folder, and ${problem}`;
}

import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** Models that ship in the package, by the id that names them. */
const bundled: Readonly<Record<string, URL>> = {
  "tsumugi-mini": new URL("../../models/tsumugi-mini/", import.meta.url),
};

/** Names of the models that ship in the package. */
export const bundledModelNames: readonly string[] = Object.keys(bundled);

/** Folder of a model that ships in the package, or undefined for any other id. */
export function bundledModelDirectory(id: string): string | undefined {
  const url = Object.hasOwn(bundled, id) ? bundled[id] : undefined;
  if (url === undefined) return undefined;
  const directory = fileURLToPath(url);
  return existsSync(directory) ? directory : undefined;
}

import { fileURLToPath } from "node:url";

/** Folder of the small model that ships in the package: the default of every command. */
export const bundledModel = fileURLToPath(new URL("../../models/tsumugi-mini", import.meta.url));

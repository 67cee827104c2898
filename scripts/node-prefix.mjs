/** Where this machine keeps the headers of Node-API. */
import { existsSync, realpathSync } from "node:fs";
import { dirname, join } from "node:path";

/** A prefix with include/node/node_api.h: this Node's own, a well-known one, or that of another Node on the PATH. */
export function nodePrefix() {
  const onPath = (process.env.PATH ?? "").split(process.platform === "win32" ? ";" : ":").filter(Boolean);
  const candidates = [
    process.env.npm_config_nodedir,
    dirname(dirname(process.execPath)),
    dirname(dirname(realpathSync(process.execPath))),
    ...onPath.map((folder) => dirname(folder)),
    "/usr/local",
    "/usr",
    "/opt/homebrew",
  ];
  return candidates.find((prefix) => prefix && existsSync(join(prefix, "include/node/node_api.h")));
}

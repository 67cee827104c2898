/** `npm start`: builds what is missing, then generates with the model in the box. `npm start -- "prompt" --temperature 0.8` */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { ensureBuilt, root } from "./ensure.mjs";

ensureBuilt({ optionalAddon: true });
const main = join(root, "dist/cli/main.js");
const { status } = spawnSync(process.execPath, [main, "generate", ...withPrompt(process.argv.slice(2))], { stdio: "inherit" });
process.exit(status ?? 1);

/** Without a prompt of the user's, the default one; stdin is not waited for. */
function withPrompt(args) {
  return ["--default-prompt", "Tell me a story about a dragon.", ...args];
}

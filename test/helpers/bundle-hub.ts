import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "vite";

/** src/hub as one JavaScript file, for the child processes of a test. Returns its path. */
export async function bundleHub(): Promise<string> {
  const root = fileURLToPath(new URL("../..", import.meta.url));
  const outDir = mkdtempSync(join(tmpdir(), "tsumugi-bundle-"));
  const output = { entryFileNames: "hub.mjs" };
  await build({
    root,
    configFile: false,
    logLevel: "error",
    build: { ssr: join(root, "src/hub/index.ts"), outDir, emptyOutDir: false, rollupOptions: { output } },
  });
  return join(outDir, "hub.mjs");
}

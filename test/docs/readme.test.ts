import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
const offline = { ...process.env, HF_HUB_OFFLINE: "1" };

/** Fenced blocks of one language, in order. */
function blocks(markdown: string, language: string): string[] {
  return [...markdown.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, "gm"))].map((match) => match[1]!);
}

const readmes = ["README.md", "README.ja.md"];
for (const readme of readmes) {
  const markdown = readFileSync(join(root, readme), "utf8");
  const snippets = blocks(markdown, "ts");

  describe(readme, () => {
    const folder = join(root, ".cache", "snippets", readme);
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    for (const [index, code] of snippets.entries()) writeFileSync(join(folder, `snippet-${index}.ts`), code);

    it("has snippets whose types are right", () => {
      expect(snippets.length).toBeGreaterThanOrEqual(5);
      writeFileSync(
        join(folder, "tsconfig.json"),
        JSON.stringify({
          extends: "../../../tsconfig.json",
          compilerOptions: {
            noEmit: false,
            allowImportingTsExtensions: false,
            noUnusedLocals: false,
            rootDir: ".",
            outDir: "out",
          },
          include: ["*.ts"],
        }),
      );
      const compiler = join(root, "node_modules/typescript/bin/tsc");
      execFileSync(process.execPath, [compiler, "-p", folder], { encoding: "utf8", cwd: root });
    });

    it("has snippets that print something", { timeout: 180_000 }, () => {
      const result = join(folder, "printed.json");
      const compiled = snippets.map((_, index) => join(folder, "out", `snippet-${index}.js`));
      execFileSync(process.execPath, [join(root, "test/docs/support/run-snippets.mjs"), result, ...compiled], {
        encoding: "utf8",
        cwd: root,
        env: offline,
      });
      const printed = JSON.parse(readFileSync(result, "utf8")) as Record<string, { output?: string; error?: string }>;
      for (const [index, file] of compiled.entries()) {
        const { output = "", error } = printed[file] ?? {};
        expect(error, `snippet ${index}`).toBeUndefined();
        expect(output.trim().length, `snippet ${index}`).toBeGreaterThan(10);
        expect(output, `snippet ${index} ends in a whole character`).not.toContain("\uFFFD");
      }
    });

    it("names the list of architectures", () => {
      expect(markdown).toContain("(docs/architectures.md)");
    });

    it("names commands that exist", () => {
      const scripts = JSON.parse(readFileSync(join(root, "package.json"), "utf8")).scripts;
      const named = [...markdown.matchAll(/npm (?:run )?(start|test|build[:\w]*)/g)].map((match) => match[1]!);
      expect(named).toContain("start");
      expect(named).toContain("test");
      for (const name of named) expect(scripts).toHaveProperty([name]);
    });
  });
}

const commands = readmes
  .flatMap((readme) => blocks(readFileSync(join(root, readme), "utf8"), "sh"))
  .flatMap((block) => block.trim().split("\n"))
  .filter((line) => line.includes("npx tsumugi "));

it.each([...new Set(commands)])("the command `%s` prints something", (line) => {
  const main = join(root, "dist/cli/main.js");
  const command = line.replace("npx tsumugi", `"${process.execPath}" "${main}"`);
  const output = execFileSync("bash", ["-c", `set -o pipefail; ${command}`], {
    encoding: "utf8",
    cwd: root,
    env: offline,
    input: "",
  });
  expect(output.trim().length).toBeGreaterThan(10);
});

/**
 * Checks that the C++ of native/ and bench/kernels is formatted as .clang-format says; `--write` formats it.
 *
 * Other versions of clang-format give other answers, so one is asked for by its major number: `clang-format-19` (Debian's package
 * of that name), or a `clang-format` on the PATH that says 19, or what CLANG_FORMAT names.
 */
import { spawnSync } from "node:child_process";
import { listFiles, root } from "./ensure.mjs";

const version = 19;
const write = process.argv.includes("--write");

const candidates = [process.env.CLANG_FORMAT ?? "", `clang-format-${version}`, "clang-format"].filter((name) => name !== "");
const command = candidates.find((name) => {
  const { stdout } = spawnSync(name, ["--version"], { encoding: "utf8" });
  return stdout?.includes(`version ${version}.`);
});
if (!command) {
  console.error(
    `tsumugi: clang-format ${version} is not on the PATH: install the package clang-format-${version}, or set CLANG_FORMAT.`,
  );
  process.exit(1);
}

const files = ["native/addon", "native/include", "native/kernels", "bench/kernels"].flatMap((folder) =>
  listFiles(folder, (path) => /\.(cc|h|inl)$/.test(path)),
);
const { status } = spawnSync(command, [...(write ? ["-i"] : ["--dry-run", "-Werror"]), ...files], {
  cwd: root,
  stdio: "inherit",
});
if (status !== 0) console.error("tsumugi: run `npm run format:cpp`");
else console.log(`${files.length} files of C++ are formatted`);
process.exit(status ?? 1);

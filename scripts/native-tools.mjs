/** What a build of the native addon needs of this machine, and what of it is missing. */
import { spawnSync } from "node:child_process";
import { accessSync, constants, statSync } from "node:fs";
import { delimiter, join } from "node:path";

/** Headers that the addon's sources need and that compilers before C++20 lack. */
const probe = "#include <bit>\n#include <concepts>\n#include <span>\nint main() { return std::has_single_bit(4u) ? 0 : 1; }\n";

/**
 * The C++ compiler that make would call: CXX, else g++, else clang++ or c++ where g++ is not there.
 *
 * @returns {string | undefined}
 */
export function findCompiler(env = process.env) {
  return env.CXX || ["g++", "clang++", "c++"].find((name) => isOnPath(name, env));
}

/**
 * Tools that are not there, as a person would say them; empty where a build can be tried. On Windows node-gyp itself looks
 * for Visual Studio and Python: `missingInOutput` reads what it says.
 *
 * @returns {string[]}
 */
export function missingTools(env = process.env) {
  if (process.platform === "win32") return [];
  if (process.platform === "darwin" && !succeeds("xcode-select", ["-p"])) return ["the Xcode command line tools"];
  const missing = [];
  const compiler = findCompiler(env);
  if (compiler === undefined) missing.push("g++");
  else if (!knowsCxx20(compiler, env)) missing.push(`a compiler for C++20 (${versionOf(compiler)} is none)`);
  if (!env.MAKE && !["make", "gmake"].some((name) => isOnPath(name, env))) missing.push("make");
  const python = env.NODE_GYP_FORCE_PYTHON || env.npm_config_python || env.PYTHON;
  if (!python && !["python3", "python"].some((name) => isOnPath(name, env))) missing.push("python3");
  return missing;
}

/**
 * Tools that node-gyp has looked for and not found.
 *
 * @param {string} output
 * @returns {string[]}
 */
export function missingInOutput(output) {
  return [
    ...(/Could not find any Visual Studio installation/.test(output) ? ["the Visual Studio C++ build tools"] : []),
    ...(/Could not find any Python installation/.test(output) ? ["Python 3"] : []),
  ];
}

function isOnPath(name, env) {
  return (env.PATH ?? "").split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, name), constants.X_OK);
      return statSync(join(folder, name)).isFile();
    } catch {
      return false;
    }
  });
}

/** CXX may hold arguments ("ccache g++"), so a shell reads it, as in make. */
function knowsCxx20(compiler, env) {
  const { status } = spawnSync(`${compiler} -std=c++20 -x c++ -fsyntax-only -`, { shell: true, input: probe, env });
  return status === 0;
}

function versionOf(compiler) {
  const { stdout } = spawnSync(`${compiler} --version`, { shell: true, encoding: "utf8" });
  return (stdout ?? "").split("\n")[0].trim() || compiler;
}

function succeeds(command, given) {
  return spawnSync(command, given, { stdio: "ignore" }).status === 0;
}

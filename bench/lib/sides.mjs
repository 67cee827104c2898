/** Which sides take part: tsumugi in each format, and the peers that are present. */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const path = (name) => fileURLToPath(new URL(name, import.meta.url));
const command = path("../../dist/cli/main.js");

/**
 * @typedef {{ name: string, format: string, command: string, args: string[] }} Side
 * @param {{ formats: string, python?: string, modules?: string, onnx?: string, only: string, threads: string, checkpoint: string,
 *   folder: string, shape: string, program: string, workloads: readonly import("./workloads.mjs").Workload[] }} options
 * @returns {Side[]}
 */
export function findSides({ formats, python, modules, onnx, only, threads, checkpoint, folder, shape, program, workloads }) {
  const common = ["--threads", threads, "--probe", program];
  const node = (script, model, ...rest) => ({
    command: process.execPath,
    args: [path(`../sides/${script}`), model, ...common, "--workloads", only, ...rest],
  });
  const sides = formats.split(",").map((format) => {
    const model = format.startsWith("gguf:") ? ggufFile({ checkpoint, folder, shape, type: format.slice(5) }) : checkpoint;
    return { name: "tsumugi", format, ...node("tsumugi-side.mjs", model, "--format", format) };
  });
  const root = modules ?? path("../..");
  if (existsSync(join(root, "node_modules/node-llama-cpp"))) {
    for (const type of ["bf16", "q8_0", "q4_0"]) {
      const model = ggufFile({ checkpoint, folder, shape, type });
      const rest = ["--modules", root, "--format", `gguf:${type}`];
      sides.push({
        name: "llama.cpp",
        format: `gguf:${type}`,
        ...node("llama-cpp-side.mjs", model, ...rest, "--way", "native"),
      });
      sides.push({
        name: "node-llama-cpp",
        format: `gguf:${type}`,
        ...node("llama-cpp-side.mjs", model, ...rest, "--way", "public"),
      });
    }
  }
  if (onnx && existsSync(join(root, "node_modules/onnxruntime-node"))) {
    for (const format of ["q4", "int8"].filter((name) => existsSync(join(onnx, `${name}.onnx`)))) {
      sides.push({
        name: "onnxruntime-node",
        format,
        ...node("onnxruntime-side.mjs", onnx, "--modules", root, "--format", format),
      });
    }
  }
  if (python) {
    const wanted = workloads.filter(({ name }) => only.split(",").includes(name));
    const args = [path("../sides/transformers_side.py"), checkpoint, ...common, "--workloads", JSON.stringify(wanted)];
    sides.push({ name: "transformers", format: "bfloat16", command: python, args: [...args, "--format", "bfloat16"] });
  }
  return sides;
}

/** A GGUF file of the checkpoint, made once. */
function ggufFile({ checkpoint, folder, shape, type }) {
  const file = join(folder, `${shape}-${type}.gguf`);
  if (existsSync(file)) return file;
  const args = [command, "quantize", checkpoint, "--to", `gguf:${type}`, "--output", file];
  const result = spawnSync(process.execPath, args, { stdio: ["ignore", "inherit", "inherit"] });
  if (result.status !== 0) throw new Error(`no ${file}: \`tsumugi quantize\` ended with ${result.status ?? result.signal}`);
  return file;
}

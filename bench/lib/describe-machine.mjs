import { readFileSync } from "node:fs";
import { cpus, release, totalmem } from "node:os";

const known =
  "avx2 fma f16c avx_vnni avx512f avx512bw avx512_vbmi avx512_vnni avx512_bf16 amx_tile amx_bf16 amx_int8 asimddp i8mm bf16";

/** What a result needs beside its numbers. */
export function describeMachine() {
  const info = readText("/proc/cpuinfo");
  const flags = new Set((info.match(/^(?:flags|Features)\s*:(.*)$/m)?.[1] ?? "").trim().split(/\s+/));
  return {
    processor: cpus()[0]?.model.trim() ?? "unknown",
    family: info.match(/^cpu family\s*:\s*(\d+)$/m)?.[1],
    model: info.match(/^model\s*:\s*(\d+)$/m)?.[1],
    cores: cpus().length,
    memoryBytes: totalmem(),
    system: `${process.platform} ${release()} ${process.arch}`,
    node: process.version,
    instructionSets: known.split(" ").filter((name) => flags.has(name)),
  };
}

/** A name for the machine's file of results: processor, cores, and the best of its instruction sets. */
export function machineName({ processor, cores, instructionSets }) {
  const best = ["amx_tile", "avx512_bf16", "avx512f", "avx2", "i8mm"].find((name) => instructionSets.includes(name));
  const words = `${processor.replace(/\(r\)|\(tm\)|processor|cpu|@.*/gi, " ")} ${cores} cores ${best ?? ""}`;
  return (words.toLowerCase().match(/[a-z0-9]+/g) ?? []).join("-");
}

function readText(path) {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return ""; // not Linux: the processor's name must do
  }
}

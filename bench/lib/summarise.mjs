/** Medians, spreads, shares of the machine's limits and ratios to the best peer, of all rounds. */
import { parametersRead } from "../make-checkpoint.mjs";
import { workloads } from "./workloads.mjs";

/** Bits of a weight as each format holds it, scales included: for the share of the bandwidth. */
const bits = {
  bfloat16: 16,
  int8: 8,
  int4: 4.5,
  nf4: 4.5,
  fp4: 4.5,
  float32: 32,
  float16: 16,
  "gguf:bf16": 16,
  "gguf:q8_0": 8.5,
  "gguf:q4_0": 4.5,
  q4: 4.5,
};

/** Formats that are compared with one another. */
const classOf = (format) => {
  const width = bits[format.split("+")[0]] ?? 8;
  return width > 16 ? "32 bits" : width > 9 ? "16 bits" : width > 6 ? "8 bits" : "4 bits";
};

export const median = (list) => {
  const sorted = list.toSorted((a, b) => a - b);
  return (sorted[Math.floor((sorted.length - 1) / 2)] + sorted[Math.ceil((sorted.length - 1) / 2)]) / 2;
};

const keyOf = ({ side, format }) => `${side} ${format}`;

/** @returns one entry for each side, format and workload */
export function summarise(rounds, peaks, shape) {
  const keys = [...new Set(rounds.map(keyOf))];
  const entries = keys.flatMap((key) => {
    const runs = rounds.filter((round) => keyOf(round) === key);
    const { side, format } = runs[0];
    return workloads.flatMap(({ name }) => {
      const results = runs.map((run) => run.results[name]).filter(Boolean);
      if (results.length === 0) return [];
      const speeds = results.map(({ tokensPerSecond }) => tokensPerSecond);
      const shares = results.map((result) => shareOfLimit(name, format, result, peaks, shape)).filter((x) => x !== undefined);
      return [
        {
          side,
          format,
          bits: classOf(format),
          workload: name,
          tokensPerSecond: median(speeds),
          least: Math.min(...speeds),
          most: Math.max(...speeds),
          runs: speeds.length,
          shareOfLimit: shares.length > 0 ? median(shares) : undefined,
          peakMemoryBytes: median(runs.map(({ peakMemoryBytes }) => peakMemoryBytes)),
          loadSeconds: median(runs.map(({ loadSeconds }) => loadSeconds)),
          /** @type {string | undefined} */
          bestPeer: undefined,
          /** @type {number | undefined} */
          ratioToBestPeer: undefined,
        },
      ];
    });
  });
  for (const entry of entries.filter(({ side }) => side === "tsumugi")) {
    const peers = entries.filter(
      (peer) => peer.side !== "tsumugi" && peer.workload === entry.workload && peer.bits === entry.bits,
    );
    if (peers.length === 0) continue;
    const best = peers.reduce((a, b) => (b.tokensPerSecond > a.tokensPerSecond ? b : a));
    entry.bestPeer = `${best.side} ${best.format}`;
    entry.ratioToBestPeer = entry.tokensPerSecond / best.tokensPerSecond;
  }
  return entries;
}

/** Decoding one sequence reads every weight once a token; prefill is bound by the unit that multiplies. */
function shareOfLimit(workload, format, { tokensPerSecond, bandwidth }, peaks, shape) {
  const { matrices, head } = parametersRead(shape);
  const width = bits[format.split("+")[0]];
  if (workload === "decode1" && bandwidth && width) {
    const headWidth = format.startsWith("int4") ? 8 : format.startsWith("nf4") || format.startsWith("fp4") ? 16 : width;
    const bytes = (matrices * width + head * headWidth) / 8;
    return (tokensPerSecond * bytes) / 1e9 / Math.max(...bandwidth);
  }
  if (workload !== "prefill") return undefined;
  const unit = Object.fromEntries(Object.keys(peaks[0] ?? {}).map((name) => [name, median(peaks.map((one) => one[name]))]));
  const float = unit.bfloat16Avx512 ?? unit.float32Avx512 ?? unit.float32Avx2;
  const peak = width <= 16 && width > 9 ? float : (unit.int8Avx512 ?? float);
  return peak && width < 32 ? (tokensPerSecond * 2 * matrices) / 1e12 / peak : undefined;
}

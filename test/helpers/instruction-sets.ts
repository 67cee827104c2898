import { nativeAddon } from "../../src/backends/cpu/addon.ts";

/** Levels that differ from the one below in sums of products of bytes alone. */
const forBytes = new Set(["neon_dot", "avx_vnni", "avx512_vnni"]);

/** The instruction sets below the best that run here. `floats`: those alone whose float32 and bfloat16 kernels are their own. */
export function instructionSetsBelow(kernels: "all" | "floats"): string[] {
  const below = nativeAddon().isas.slice(0, -1);
  return kernels === "all" ? below : below.filter((isa) => !forBytes.has(isa));
}

/**
 * How many seeds a property test runs: few at each commit, many by `npm run test:long`.
 *
 * Bounds on what the seeds reach are given per seed: `expect(total.preempted).toBeGreaterThan(seeds / 6)`.
 */
export function seedCount({ commit, long }: { commit: number; long: number }): number {
  return process.env.TSUMUGI_TESTS === "long" ? long : commit;
}

/** Whether there is time for everything: in `npm run test:long`, and in `npm run check:native -- --all`. */
export const isLong = ["long", "all"].includes(process.env.TSUMUGI_TESTS ?? "");

/**
 * The models that the slow reference backend answers for at each commit, one for each way through it (attention, windows, sinks,
 * mixtures, slots, latent attention); `npm run test:long` has it answer for all.
 */
const referenceModels = new Set(["llama", "gpt2", "gemma2", "gpt_oss", "mamba", "lfm2", "qwen3_next", "deepseek_v3", "t5"]);

/** Pairs of a model and a device that generate: every model on the cpu. */
export function generatingPairs(names: readonly string[]): [string, "cpu" | "reference"][] {
  const onReference = names.filter((name) => isLong || referenceModels.has(name));
  return [
    ...names.map((name) => [name, "cpu"] as [string, "cpu"]),
    ...onReference.map((name) => [name, "reference"] as [string, "reference"]),
  ];
}

/**
 * How many seeds a property test runs: few at each commit, many by `npm run test:long`.
 *
 * Bounds on what the seeds reach are given per seed: `expect(total.preempted).toBeGreaterThan(seeds / 6)`.
 */
export function seedCount({ commit, long }: { commit: number; long: number }): number {
  return process.env.TSUMUGI_TESTS === "long" ? long : commit;
}

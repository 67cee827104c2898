/**
 * What is measured, the same for every side. Decoding counts the time beyond that of one new token, so that the prompt's own
 * does not count.
 *
 * @typedef {{ name: string, sequences: number, promptTokens: number, newTokens: number }} Workload
 */

/** @type {readonly Workload[]} */
export const workloads = [
  { name: "prefill", sequences: 1, promptTokens: 512, newTokens: 1 },
  { name: "decode1", sequences: 1, promptTokens: 16, newTokens: 48 },
  { name: "decode8", sequences: 8, promptTokens: 16, newTokens: 16 },
  { name: "decode32", sequences: 32, promptTokens: 16, newTokens: 8 },
];

/** Token ids of one prompt: spread over the vocabulary, different for each sequence and run. */
export function promptIds(count, vocabulary, seed = 0) {
  return Array.from({ length: count }, (_, i) => 300 + (((i + 1) * 7919 + seed * 104729) % (vocabulary - 300)));
}

/**
 * Tokens a second of one workload.
 *
 * @param {Workload} workload
 * @param {(prompts: number[][], newTokens: number) => Promise<number>} generate seconds for so many new tokens of each prompt
 */
export async function measureWorkload({ sequences, promptTokens, newTokens }, vocabulary, seed, generate) {
  const prompts = Array.from({ length: sequences }, (_, i) => promptIds(promptTokens, vocabulary, seed * 64 + i));
  if (newTokens === 1) return (sequences * promptTokens) / (await generate(prompts, 1));
  const one = await generate(prompts, 1);
  return (sequences * newTokens) / ((await generate(prompts, 1 + newTokens)) - one);
}

import { TsumugiError } from "../errors.ts";
import { logSumExp } from "../sampling/softmax.ts";

/**
 * Scores of the tokens that were generated, from the scores of every step: transformers' `compute_transition_scores`.
 *
 * @param sequences [rows][length] of the result
 * @param scores [steps][rows, or rows × beams] of the result (`outputScores: true`); `logits` work too
 * @param beamIndices [rows][steps] of the result of a beam search: which row of `scores` each token came from, −1 behind the end
 * @param normalizeLogits make the scores log probabilities first. Default false
 * @returns [rows][steps]; 0 behind the end of a row
 * @throws `invalid_input`
 * @example
 * ```ts
 * const { sequences, scores } = await model.generate({ ...inputs, maxNewTokens: 8, outputScores: true });
 * const [row] = computeTransitionScores(sequences, scores!, undefined, true);
 * console.log(Array.from(row!, Math.exp)); // probability of each new token
 * ```
 */
export function computeTransitionScores(
  sequences: readonly (readonly number[])[],
  scores: readonly (readonly (Float32Array | null)[])[],
  beamIndices?: readonly (readonly number[])[],
  normalizeLogits = false,
): Float32Array[] {
  checkTables(sequences, scores);
  const width = scores[0]?.length ?? sequences.length;
  if (!beamIndices && width !== sequences.length) {
    const expected = `given where \`scores\` has other rows (${width}) than \`sequences\` (${sequences.length}), as behind a beam search`;
    throw new TsumugiError("invalid_input", { what: "`beamIndices`", expected, given: "nothing" });
  }
  if (beamIndices && beamIndices.length !== sequences.length) {
    const expected = `one row for each of ${sequences.length} sequences`;
    throw new TsumugiError("invalid_input", { what: "`beamIndices`", expected, given: `${beamIndices.length} rows` });
  }
  const lengths = beamIndices?.map((row) => row.filter((index) => index >= 0).length);
  const steps = lengths ? Math.max(0, ...lengths) : scores.length;
  return sequences.map((sequence, row) => {
    const first = sequence.length - steps;
    if (first < 0) {
      const expected = `at least as long as there are steps (${steps})`;
      throw new TsumugiError("invalid_input", { what: "A row of `sequences`", expected, given: `${sequence.length} tokens` });
    }
    return Float32Array.from({ length: steps }, (_, step) => {
      const source = beamIndices ? (beamIndices[row]![step] ?? -1) : row;
      const values = source < 0 ? null : scores[step]?.[source];
      if (!values) return 0;
      const score = values[sequence[first + step]!]!;
      return normalizeLogits ? score - logSumExp(values) : score;
    });
  });
}

/** What a call without types may leave out. */
function checkTables(sequences: unknown, scores: unknown): void {
  for (const [what, value, expected] of [
    ["`sequences`", sequences, "the `sequences` of a result, [rows][length]"],
    ["`scores`", scores, "the `scores` of a result (`outputScores: true`), [steps][rows]"],
  ] as const) {
    if (Array.isArray(value) && value.every(Array.isArray)) continue;
    throw new TsumugiError("invalid_input", { what, expected, given: value ?? "nothing" });
  }
}

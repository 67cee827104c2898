import { wordsOf } from "./mersenne-twister.ts";
import { negativeLog } from "./negative-log.ts";
import { philoxWords } from "./philox.ts";

/**
 * A stream of random 32-bit words, addressed by place, so that rows may be drawn in any order and on any machine. It is plain
 * data, which crosses to a native backend as it is.
 *
 * - "torch": the words that torch's CPU generator gives from a state on, as `torch.manual_seed` leaves it (`seededState`).
 * - "counter": words that follow from a seed and a position alone (Philox4x32-10), so that what is drawn there depends on
 *   nothing that was drawn before it, or beside it.
 */
export type RandomStream =
  | {
      readonly kind: "torch";
      /** [624] the state of MT19937 right after it was seeded. It must not change: its words are remembered by it. */
      readonly state: Int32Array;
      /** Words of that generator that stand before the stream. */
      readonly place: number;
    }
  | {
      readonly kind: "counter";
      /** 0 ≤ seed ≤ 2⁵³ − 1 */
      readonly seed: number;
      /** 0 ≤ position ≤ 2⁵³ − 1 */
      readonly position: number;
    };

/**
 * Exponential(1) variates for entries of one row, as `torch.Tensor.exponential_` makes them of two words each on the CPU:
 * out[i] is variate number `indices[i]` of the row that starts `offset` words into the stream.
 */
export function exponentials(stream: RandomStream, offset: number, indices: Int32Array, out: Float32Array): void {
  const word = readerOf(stream);
  for (let i = 0; i < indices.length; i++) {
    const place = offset + 2 * indices[i]!;
    const high = word(place) & 0x1fffff;
    const low = word(place + 1);
    out[i] = negativeLog(9007199254740992 - (high * 4294967296 + low)); // float32 by the array
  }
}

function readerOf(stream: RandomStream): (place: number) => number {
  if (stream.kind === "counter") return philoxWords(stream.seed, stream.position);
  const { state, place: start } = stream;
  const words = wordsOf(state);
  return (place) => words.word(start + place);
}

/** Where one step of one row draws: a stream, and the row's place in it. */
export interface DrawPlace {
  stream: RandomStream;
  /** 32-bit words into the stream. */
  offset: number;
}

/**
 * The place that a row's step draws at.
 *
 * "torch": step i, row r of a batch of B rows (copies, beams and finished rows counted) stands 2 · V · (i · B + r) words on, as
 * in Python, so that a seeded batch needs no lockstep. "counter": the stream of position + i; `row` counts only the rows that
 * share the seed, such as the copies of one request.
 *
 * @param stream the stream of the call; of a "counter", of its first new token
 */
export function drawPlace(
  stream: RandomStream,
  { step, row, batchRows, vocabularySize }: { step: number; row: number; batchRows: number; vocabularySize: number },
): DrawPlace {
  if (stream.kind === "torch") return { stream, offset: 2 * vocabularySize * (step * batchRows + row) };
  return { stream: { ...stream, position: stream.position + step }, offset: 2 * vocabularySize * row };
}

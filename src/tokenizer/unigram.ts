import { isRecord, listOf } from "./json.ts";

interface Node {
  next: Map<number, Node>;
  /** Score of the piece that ends here. */
  score?: number;
}

/** How much worse than the worst piece an unknown character is. */
const unknownPenalty = 10;

/**
 * The Unigram model of tokenizers: the pieces of a word whose scores add up to most. Sums are made from the left and the
 * first of equals stays, as in the Rust library, so ties fall as they do there. Runs of unknown characters come as one.
 *
 * Source: huggingface/tokenizers `Unigram::encode_optimized`.
 */
export function createUnigram(vocab: unknown, unknownId: unknown): (word: string) => string[] {
  const scores = new Map<string, number>();
  for (const entry of listOf(vocab)) {
    const [piece, score] = listOf(entry);
    scores.set(String(piece), Number(score));
  }
  const root: Node = { next: new Map() };
  let lowest = Number.POSITIVE_INFINITY;
  for (const [piece, score] of scores) {
    lowest = Math.min(lowest, score);
    if (piece === "") continue;
    let node = root;
    for (let at = 0; at < piece.length; at++) {
      const unit = piece.charCodeAt(at);
      const next: Node = node.next.get(unit) ?? { next: new Map() };
      node.next.set(unit, next);
      node = next;
    }
    node.score = score;
  }
  const unknown = unknownPieceOf(vocab, unknownId);

  return (word) => {
    const length = word.length;
    const best = new Float64Array(length + 1);
    const starts = new Int32Array(length + 1).fill(-1);
    const isUnknown = new Uint8Array(length + 1);
    const offer = (start: number, end: number, score: number, unknownHere: number) => {
      if (starts[end] !== -1 && score <= (best[end] ?? 0)) return;
      best[end] = score;
      starts[end] = start;
      isUnknown[end] = unknownHere;
    };
    for (let start = 0; start < length; ) {
      const width = (word.codePointAt(start) ?? 0) > 0xffff ? 2 : 1;
      const here = best[start] ?? 0;
      let single = false;
      let node: Node | undefined = root;
      for (let at = start; at < length; ) {
        node = node.next.get(word.charCodeAt(at++));
        if (!node) break;
        if (node.score === undefined) continue;
        offer(start, at, node.score + here, word.slice(start, at) === unknown ? 1 : 0);
        single ||= at - start === width;
      }
      if (!single) offer(start, start + width, lowest - unknownPenalty + here, 1);
      start += width;
    }
    const pieces: string[] = [];
    for (let end = length; end > 0; ) {
      const until = end;
      end = starts[end] ?? 0;
      if (isUnknown[until]) while (end > 0 && isUnknown[end]) end = starts[end] ?? 0;
      pieces.push(word.slice(end, until));
    }
    return pieces.reverse();
  };
}

function unknownPieceOf(vocab: unknown, id: unknown): string | undefined {
  const entry = typeof id === "number" ? listOf(vocab)[id] : undefined;
  const piece = isRecord(entry) ? undefined : listOf(entry)[0];
  return typeof piece === "string" ? piece : undefined;
}

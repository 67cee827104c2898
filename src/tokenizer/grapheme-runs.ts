/** Ranges of characters that join no neighbour of their own kind to a grapheme; the middle of them are whole graphemes. */
const simpleRanges: readonly [number, number][] = [
  [0x09, 0x0a],
  [0x20, 0x7e],
  [0xa0, 0xa8],
  [0xaa, 0xac],
  [0xaf, 0x2ff],
  [0x370, 0x482],
  [0x48a, 0x52f],
  [0x1e00, 0x1fff],
  [0x3000, 0x3029],
  [0x3041, 0x3096],
  [0x309b, 0x30ff],
  [0x3400, 0x4dbf],
  [0x4e00, 0x9fff],
  [0xff01, 0xff9d],
];

const simple = (() => {
  const table = new Uint8Array(0x10000);
  for (const [first, last] of simpleRanges) table.fill(1, first, last + 1);
  return table;
})();

const segmenter = new Intl.Segmenter("en", { granularity: "grapheme" });

/**
 * The graphemes of a text. Between two characters of common scripts there is always a boundary, so only what stands between
 * such places is given to `Intl.Segmenter`, which is slow. `wanted` is asked before a part is taken apart, and graphemes of
 * parts that it does not want are not given.
 */
export function graphemeRuns(
  text: string,
  wanted: (start: number, end: number) => boolean,
  grapheme: (start: number, end: number) => void,
): void {
  const length = text.length;
  for (let start = 0; start < length; ) {
    let end = start + 1;
    let left = simple[text.charCodeAt(start)] as number;
    while (end < length) {
      const right = simple[text.charCodeAt(end)] as number;
      if (left & right) break;
      left = right;
      end++;
    }
    if (wanted(start, end)) {
      if (end === start + 1) grapheme(start, end);
      else segmentWindows(text, start, end, grapheme);
    }
    start = end;
  }
}

/** Shorter texts are segmented faster: a long part goes window by window. The last grapheme of a window may go on behind it. */
function segmentWindows(text: string, start: number, end: number, grapheme: (start: number, end: number) => void): void {
  let size = 200;
  for (let from = start; from < end; ) {
    const to = Math.min(end, from + size);
    let last = 0;
    let next = from;
    for (const { segment, index } of segmenter.segment(text.slice(from, to))) {
      if (index > 0) grapheme(from + last, from + index);
      last = index;
      next = from + index + segment.length;
    }
    if (to === end) {
      grapheme(from + last, next);
      return;
    }
    // A grapheme that fills its window needs a larger one.
    size = last === 0 ? size * 2 : 200;
    from += last;
  }
}

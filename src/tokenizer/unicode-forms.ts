import { type AlignedText, TextBuilder, widthAt } from "./aligned-text.ts";
import { compareMarks, isMark, orderLongRuns, sortMarks } from "./combining-marks.ts";
import { notDecomposed, notDecomposedCompatibly } from "./library-unicode.ts";

/** Unicode's normalisation forms. */
export type Form = "NFC" | "NFD" | "NFKC" | "NFKD";

const canonical = new RegExp(`([${notDecomposed}])`, "u");
const compatible = new RegExp(`([${notDecomposedCompatibly}])`, "u");
/** What the Rust library leaves as it is. Composition puts together again what is left alone in the canonical form. */
const leftAlone: Record<Form, RegExp> = { NFC: canonical, NFD: canonical, NFKC: compatible, NFKD: compatible };

/** Text in a normalisation form, as the Rust library knows it. */
export function normalizeForm(text: string, form: Form): string {
  const changed = normalized(text, form);
  if (changed === text || !leftAlone[form].test(text)) return changed;
  const parts = text.split(leftAlone[form]);
  return parts.map((part, i) => (i % 2 === 1 ? part : normalized(part, form))).join("");
}

const decompositions = { NFC: "NFD", NFD: "NFD", NFKC: "NFKD", NFKD: "NFKD" } as const;

function normalized(text: string, form: Form): string {
  return orderLongRuns(text, decompositions[form]).normalize(form);
}

/** A character on its way, with its change (see `TextBuilder`). */
interface Pending {
  character: string;
  change: number;
}

/**
 * Text in a normalisation form, with the places its characters come from, by the rules of the Rust library: of the
 * characters that one decomposes to, the first takes its place and the others are inserted; marks are then put in order with
 * these changes; composing two adds their changes and takes one away.
 *
 * Source: n1t0/unicode-normalization (`unicode_normalization_alignments`), huggingface/tokenizers `NormalizedString::nfkc`.
 */
export function alignForm(text: string, form: Form): AlignedText {
  if (normalizeForm(text, form) === text) return { text };
  const decomposed = decompositions[form];
  const composes = form === "NFC" || form === "NFKC";
  const builder = new TextBuilder(text);
  const emit = ({ character, change }: Pending) => builder.add(character, change);
  const composer = composes ? createComposer(emit) : { push: emit, end: () => {} };
  let marks: Pending[] = [];
  const flush = () => {
    for (const mark of sortMarks(marks, ({ character }) => character)) composer.push(mark);
    marks = [];
  };
  const left = leftAlone[form];
  for (let at = 0; at < text.length; ) {
    const width = widthAt(text, at);
    const character = text.slice(at, at + width);
    at += width;
    const parts = character < "\u0080" || left.test(character) ? [character] : Array.from(character.normalize(decomposed));
    for (const [i, part] of parts.entries()) {
      const pending = { character: part, change: i === 0 ? 0 : 1 };
      if (isMark(part)) {
        marks.push(pending);
        continue;
      }
      flush();
      composer.push(pending);
    }
  }
  flush();
  composer.end();
  return builder.finish();
}

/** Puts characters together where Unicode has one for both. */
function createComposer(emit: (pending: Pending) => void): { push(pending: Pending): void; end(): void } {
  let base: Pending | undefined;
  let waiting: Pending[] = [];
  const purge = () => {
    for (const pending of waiting) emit(pending);
    waiting = [];
  };
  return {
    push(pending) {
      const { character, change } = pending;
      const mark = isMark(character);
      if (!base) {
        if (mark) emit(pending);
        else base = { ...pending };
        return;
      }
      const last = waiting.at(-1)?.character;
      // A mark is blocked from its base by one of the same or a higher class.
      const blocked = last !== undefined && compareMarks(last, character) >= 0;
      const composed = blocked ? undefined : composition(base.character, character);
      if (composed !== undefined) {
        base = { character: composed, change: base.change + change - 1 };
        return;
      }
      if (mark) {
        waiting.push(pending);
        return;
      }
      emit(base);
      base = { ...pending };
      purge();
    },
    end() {
      if (base) emit(base);
      base = undefined;
      purge();
    },
  };
}

const compositions = new Map<string, string | undefined>();

function composition(first: string, second: string): string | undefined {
  if (first < "\u0080" && second < "\u0080") return undefined;
  const text = first + second;
  if (compositions.has(text)) return compositions.get(text);
  const both = text.normalize("NFC");
  const found = both.length === widthAt(both, 0) ? both : undefined;
  if (compositions.size > 10_000) compositions.clear();
  compositions.set(text, found);
  return found;
}

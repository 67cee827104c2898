import type { AlignedText } from "./aligned-text.ts";

/** Changes text before it is cut into words. `align` gives the same text as `normalize`, with where it comes from. */
export interface Normalizer {
  normalize(text: string): string;
  align(text: string): AlignedText;
}

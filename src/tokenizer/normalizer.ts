import type { AlignedText } from "./aligned-text.ts";
import type { TextGrowth } from "./text-growth.ts";

/**
 * Changes text before it is cut into words. `align` gives the same text as `normalize`, with where it comes from. What lets a
 * text grow without a bound of its own asks `growth` first.
 */
export interface Normalizer {
  normalize(text: string, growth: TextGrowth): string;
  align(text: string, growth: TextGrowth): AlignedText;
}

import type { StepPlace } from "./processor.ts";
import { exponentials } from "./random-stream.ts";

const entries = Int32Array.of(0, 1);
const variates = new Float32Array(2);
const bits = new Uint32Array(variates.buffer);

/**
 * A number in [0, 1) that belongs to this row and step. It is a hash of the row's own variates, so that torch's stream goes on
 * as it would without it.
 */
export function uniformAt({ stream, offset = 0 }: StepPlace, purpose: number): number {
  if (!stream) return 0;
  exponentials(stream, offset, entries, variates);
  let hash = purpose;
  for (const word of bits) {
    hash = Math.imul(hash ^ word, 0x9e3779b1);
    hash = Math.imul(hash ^ (hash >>> 15), 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
    hash ^= hash >>> 16;
  }
  return (hash >>> 0) / 4294967296;
}

import { check, checkCounts } from "./check.ts";
import { defineOp } from "./definition.ts";

/**
 * Computed positions: sines, then cosines, of (`positions[t]` + offset) · frequencies, and zeros up to `width` -> [T, width].
 * A token whose id is `padding` gets zeros.
 */
export const wavePosition = defineOp({
  name: "wave_position",
  attributes: {
    width: { kind: "count" },
    offset: { kind: "integer" },
    padding: { kind: "integer" },
    frequencies: { kind: "numbers" },
  },
  shapes(inputs, weights, attributes) {
    checkCounts("wave_position", inputs, 0, weights, 0);
    const { width } = attributes;
    const { length } = attributes.frequencies;
    check(2 * length <= width, "wave_position", "length of frequencies", `at most ${width / 2}`, length);
    return [["T", width]];
  },
  reference({ outputs, batch, attributes }) {
    const out = outputs[0]!.data;
    const { width, offset, padding, frequencies } = attributes;
    out.fill(0);
    for (let t = 0; t < batch.positions.length; t++) {
      if (batch.tokenIds[t] === padding) continue;
      for (let i = 0; i < frequencies.length; i++) {
        const angle = Math.fround((batch.positions[t]! + offset) * Math.fround(frequencies[i]!));
        out[t * width + i] = Math.sin(angle);
        out[t * width + frequencies.length + i] = Math.cos(angle);
      }
    }
  },
});

import { check, checkCounts, numberAttribute } from "./check.ts";
import type { OpDefinition } from "./definition.ts";
import type { Attributes } from "./program.ts";

/**
 * Computed positions: sines, then cosines, of (`positions[t]` + offset) · frequencies, and zeros up to `width` -> [T, width].
 * A token whose id is `padding` gets zeros.
 */
export const wavePosition: OpDefinition = {
  name: "wave_position",
  shapes(inputs, weights, attributes) {
    checkCounts("wave_position", inputs, 0, weights, 0);
    const width = numberAttribute("wave_position", attributes, "width");
    numberAttribute("wave_position", attributes, "offset");
    numberAttribute("wave_position", attributes, "padding");
    const { length } = frequenciesOf(attributes);
    check(2 * length <= width, "wave_position", "length of frequencies", `at most ${width / 2}`, length);
    return [["T", width]];
  },
  reference({ outputs, batch, attributes }) {
    const out = outputs[0]!.data;
    const [width, offset, padding] = ["width", "offset", "padding"].map((name) =>
      numberAttribute("wave_position", attributes, name),
    ) as [number, number, number];
    const frequencies = frequenciesOf(attributes);
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
};

function frequenciesOf({ frequencies }: Attributes): readonly number[] {
  check(Array.isArray(frequencies), "wave_position", "attribute `frequencies`", "a list of numbers", frequencies ?? "nothing");
  return frequencies as readonly number[];
}

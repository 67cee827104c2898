const count = 16;

/**
 * A sum in float64 whose order any width of vectors can keep: value i goes to lane i mod 16, and the lanes are added in halves.
 * The native kernels add in this order, so that their sums are the same to the bit.
 */
export class LaneSums {
  readonly #lanes = new Float64Array(count);

  add(place: number, value: number): void {
    const lane = place & (count - 1);
    this.#lanes[lane] = this.#lanes[lane]! + value;
  }

  total(): number {
    const lanes = this.#lanes.slice();
    for (let half = count / 2; half >= 1; half /= 2) {
      for (let lane = 0; lane < half; lane++) lanes[lane] = lanes[lane]! + lanes[lane + half]!;
    }
    return lanes[0]!;
  }
}

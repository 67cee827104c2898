/** A low-rank change with its numbers. */
export interface LowRankNumbers {
  /** [rank, inputs] */
  down: Float32Array;
  /** [outputs, rank] */
  up: Float32Array;
  rank: number;
  scale: number;
  /** The matrix is [inputs, outputs]. */
  exchanged: boolean;
  /** [outputs] */
  magnitude?: Float32Array;
}

/** Changes a matrix in place: scale · up · down is added, then outputs are scaled to the lengths that `magnitude` says. */
export function applyLowRank(matrix: Float32Array, change: LowRankNumbers): void {
  const { down, up, rank, scale, exchanged, magnitude } = change;
  const inputs = down.length / rank;
  const outputs = up.length / rank;
  const [ofOutput, ofInput] = exchanged ? [1, outputs] : [inputs, 1];
  for (let output = 0; output < outputs; output++) {
    for (let input = 0; input < inputs; input++) {
      let sum = 0;
      for (let k = 0; k < rank; k++) sum += up[output * rank + k]! * down[k * inputs + input]!;
      const at = output * ofOutput + input * ofInput;
      matrix[at] = matrix[at]! + scale * sum;
    }
    if (magnitude === undefined) continue;
    let squares = 0;
    for (let input = 0; input < inputs; input++) squares += matrix[output * ofOutput + input * ofInput]! ** 2;
    const factor = magnitude[output]! / Math.sqrt(squares);
    for (let input = 0; input < inputs; input++) {
      const at = output * ofOutput + input * ofInput;
      matrix[at] = matrix[at]! * factor;
    }
  }
}

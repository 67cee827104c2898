import type { CodedRows, CodeLayout } from "../code-layout.ts";

/** What a quantiser is asked for, by name: numbers, words and switches, which cross to native code as they are. */
export type QuantiserParameters = { readonly [name: string]: number | string | boolean };

/**
 * A way to turn plain numbers into codes as they are loaded. To add one: a file here, its line in index.ts, and the same
 * arithmetic in native/kernels/quantise_<name>.cc.
 */
export interface Quantiser {
  name: string;
  /** How the codes of a matrix are held; undefined where the quantiser cannot take matrices of so many columns. */
  layout(parameters: QuantiserParameters, columns: number): CodeLayout | undefined;
  /** The codes of a whole matrix [rows, columns] of float32 values. */
  quantise(values: Float32Array, columns: number, parameters: QuantiserParameters): CodedRows;
}

import { TsumugiError } from "../../errors.ts";
import { type QuantisationMethod, refuseFields } from "./method.ts";

/**
 * MXFP4 as gpt-oss has it: a plain tensor "w" [experts, in, out] is stored as "w_blocks" and "w_scales", whose values are
 * [experts, out, in]. Which tensors are packed is seen from their names, so `modules_to_not_convert` says nothing more;
 * `dequantize` chooses how values are held, never what they are.
 * Source: transformers' integrations/mxfp4.py.
 */
export const mxfp4: QuantisationMethod = {
  name: "mxfp4",
  open(config) {
    refuseFields(config, ["modules_to_not_convert", "dequantize"]);
    return (tensor, { find, info }) => {
      const codes = find(`${tensor}_blocks`);
      const scales = find(`${tensor}_scales`);
      if (codes === undefined) return undefined;
      if (scales === undefined) return { missing: [`${tensor}_scales`] };
      const [given, exponents] = [info(codes), info(scales)];
      const rows = given.shape.slice(0, -1);
      check(
        given.name,
        given.dtype === "uint8" && rows.length > 1 && given.shape.at(-1) === 16,
        "uint8 [rows, groups, 16]",
        given,
      );
      check(
        exponents.name,
        exponents.dtype === "uint8" && exponents.shape.join() === rows.join(),
        `uint8 [${rows}]`,
        exponents,
      );
      const shape = [...rows.slice(0, -1), 32 * rows.at(-1)!];
      const plain = codes.slice(0, -"_blocks".length);
      return { tensor: plain, storage: { kind: "mxfp4", shape, tensors: { codes, scales }, group: 32 }, transposed: true };
    };
  },
};

function check(
  name: string,
  holds: boolean,
  expected: string,
  { dtype, shape }: { dtype: string; shape: readonly number[] },
): void {
  if (!holds) throw new TsumugiError("weight_shape", { name, expected, given: `${dtype} [${shape}]` });
}

import type { WeightOrigin } from "../ops/program.ts";
import type { ProgramBuilder, Value } from "./builder.ts";
import { linear } from "./linear.ts";

/**
 * Logits of the rows that are wanted: hidden [tokens, hidden] -> [rows, vocabulary].
 * `tiedTo` names the embedding whose weight the head shares.
 */
export function languageHead(
  program: ProgramBuilder,
  hidden: Value,
  options: {
    module: string;
    vocabulary: number;
    bias?: boolean;
    biasFrom?: readonly WeightOrigin[];
    /** bfloat16 logits are rounded before the bias is added as well (BART). Default false. */
    roundProduct?: boolean;
    tiedTo?: string | undefined;
  },
): Value {
  const { module, vocabulary, bias = false, biasFrom, roundProduct, tiedTo } = options;
  const wanted = program.value("rows", { module, inputs: [hidden] }); // [rows, hidden]
  return linear(program, wanted, {
    module,
    width: vocabulary,
    bias,
    ...(biasFrom && { biasFrom }),
    ...(roundProduct && { roundProduct }),
    ...(tiedTo && { tiedTo: `${tiedTo}.weight` }),
  });
}

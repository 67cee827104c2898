import { commonGroup, type FourBitType, loadedBlock, nestedColumns, quantiseBlocks } from "../bitsandbytes/blocks.ts";
import { nestedBlock, nestStatistics, unnestStatistics } from "../bitsandbytes/statistics.ts";
import { roundTo } from "../convert.ts";
import type { FloatDType } from "../dtype.ts";
import type { Quantiser } from "./quantiser.ts";

/**
 * bitsandbytes in 4 bits. Parameters: `type` "nf4" or "fp4"; `double`, whether scales are quantised again; `from`, the type of
 * the weights that are quantised, to which they are rounded before.
 */
export const bitsandbytes4: Quantiser = {
  name: "bitsandbytes4",
  layout({ type, double }, columns) {
    const group = commonGroup(columns, loadedBlock);
    const layout = { bits: 4, group, table: type as FourBitType, offset: "none", permuted: false } as const;
    const nested = double ? nestedColumns(columns, loadedBlock, nestedBlock) : undefined;
    return nested ? { ...layout, scale: "mapped", super: nested } : { ...layout, scale: "float32" };
  },
  quantise(values, columns, { type, double, from }) {
    const { codes, absmax } = quantiseBlocks(roundTo(values.slice(), from as FloatDType), type as FourBitType);
    const scales = double ? unnestStatistics(nestStatistics(absmax)) : absmax;
    const group = commonGroup(columns, loadedBlock);
    const spread = Float32Array.from(
      { length: values.length / group },
      (_, i) => scales[Math.floor((i * group) / loadedBlock)]!,
    );
    return { rows: values.length / columns, columns, group, codes, scales: spread };
  },
};

import { describe, expect, it } from "vitest";
import { BitsAndBytesConfig } from "../generate/index.ts";
import { formatOf } from "./load.ts";

describe("--dtype and --quantize", () => {
  it("leave the choice to the checkpoint", () => expect(formatOf({})).toEqual({ dtype: "auto" }));

  it.each(["nf4", "fp4-double"] as const)("quantise as bitsandbytes does: %s", (quantize) => {
    const { dtype, quantizationConfig } = formatOf({ dtype: "bfloat16", quantize });
    expect(dtype).toBe("bfloat16");
    expect(quantizationConfig).toBeInstanceOf(BitsAndBytesConfig);
    expect(quantizationConfig).toMatchObject({
      loadIn4bit: true,
      bnb4bitQuantType: quantize.slice(0, 3),
      bnb4bitUseDoubleQuant: quantize.endsWith("-double"),
    });
  });

  it.each(["int8", "int4"] as const)("name a format of our own: %s", (quantize) => {
    expect(formatOf({ quantize })).toEqual({ dtype: quantize });
    expect(formatOf({ quantize, dtype: quantize })).toEqual({ dtype: quantize });
    expect(() => formatOf({ quantize, dtype: "float32" })).toThrow(expect.objectContaining({ code: "conflicting_options" }));
  });
});

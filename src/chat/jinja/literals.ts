import { TemplateFault } from "./fault.ts";
import { integer } from "./values.ts";

/** An int literal of a template: decimal, 0x, 0o or 0b. */
export function integerFromDigits(digits: string, line: number): number | bigint {
  if (digits.length > 4300) {
    throw new TemplateFault("TemplateSyntaxError", "Exceeds the limit (4300 digits) for integer string conversion", line);
  }
  return integer(BigInt(digits));
}

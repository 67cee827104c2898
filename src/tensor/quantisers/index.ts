import { bitsandbytes4 } from "./bitsandbytes4.ts";
import { bitsandbytes8 } from "./bitsandbytes8.ts";
import { int4 } from "./int4.ts";
import { int8 } from "./int8.ts";
import type { Quantiser } from "./quantiser.ts";

/** Every quantiser; a new one is its file and its line here. */
const quantisers: readonly Quantiser[] = [bitsandbytes4, bitsandbytes8, int8, int4];

/** The quantiser of a name; undefined where there is none. */
export function quantiserNamed(name: string): Quantiser | undefined {
  return quantisers.find((quantiser) => quantiser.name === name);
}

export const quantiserNames: readonly string[] = quantisers.map(({ name }) => name);

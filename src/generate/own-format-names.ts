/** Values of `dtype` that quantise plain weights while they are loaded. */
export const ownFormats = ["int8", "int4"] as const;
export type OwnFormat = (typeof ownFormats)[number];

/** Whether a value of `dtype` is one of these. */
export function isOwnFormat(dtype: unknown): dtype is OwnFormat {
  return ownFormats.includes(dtype as OwnFormat);
}

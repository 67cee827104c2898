/** Ids of `<0x00>` to `<0xFF>`, -1 for those without a token; undefined where none has one. */
export function byteFallbackIds(ids: { get(token: string): number | undefined }): Int32Array | undefined {
  const table = new Int32Array(256);
  for (let byte = 0; byte < 256; byte++) table[byte] = ids.get(`<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`) ?? -1;
  return table.some((id) => id >= 0) ? table : undefined;
}

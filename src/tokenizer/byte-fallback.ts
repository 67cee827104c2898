/** Ids of `<0x00>` to `<0xFF>`; undefined unless all are there. */
export function byteFallbackIds(ids: ReadonlyMap<string, number>): Int32Array | undefined {
  const table = new Int32Array(256);
  for (let byte = 0; byte < 256; byte++) table[byte] = ids.get(`<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`) ?? -1;
  return table.includes(-1) ? undefined : table;
}

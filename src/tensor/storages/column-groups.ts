/**
 * Which columns share a scale. "runs": columns stand group by group. "sorted": they do once they are sorted by group, and then
 * every group but the last is full. "any": neither.
 */
export type ColumnGroups = "runs" | "sorted" | "any";

/**
 * How the groups of columns stand, by the list that checkpoints call `g_idx`: int32, the group of each column.
 *
 * @returns undefined where the list has another length, or names a group that is not there
 */
export function columnGroupsOf(bytes: Uint8Array, columns: number, group: number, groups: number): ColumnGroups | undefined {
  if (bytes.length !== 4 * columns) return undefined;
  const list = readGroups(bytes);
  const counts = new Uint32Array(groups);
  let isRuns = true;
  for (let column = 0; column < columns; column++) {
    const own = list[column]!;
    if (own < 0 || own >= groups) return undefined;
    counts[own]!++;
    if (own !== Math.floor(column / group)) isRuns = false;
  }
  if (isRuns) return "runs";
  const isFull = counts.every((count, index) => count === Math.max(0, Math.min(group, columns - index * group)));
  return isFull ? "sorted" : "any";
}

/** The group of each column. */
export function readGroups(bytes: Uint8Array): Int32Array {
  return new Int32Array(bytes.slice().buffer);
}

/** The group of each column, by the list where there is one. */
export function groupOfColumns(list: Uint8Array | undefined, columns: number, group: number): Int32Array {
  return list ? readGroups(list) : Int32Array.from({ length: columns }, (_, column) => Math.floor(column / group));
}

/** The known name that is at most two letters off, or undefined where none is. Upper and lower case count as one. */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  // others cannot be near, and to compare a very long name would take very long
  const alike = known.filter((candidate) => Math.abs(candidate.length - name.length) <= 2);
  const distances = alike.map((candidate) => distance(candidate.toLowerCase(), name.toLowerCase()));
  const nearest = Math.min(...distances);
  return nearest <= 2 ? alike[distances.indexOf(nearest)] : undefined;
}

/** Levenshtein distance. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)));
    }
    row = next;
  }
  return row[b.length]!;
}

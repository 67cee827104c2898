/**
 * The first key that an object of this JSON text holds twice, at any depth; undefined when there is none.
 * JSON.parse keeps the last of two equal keys and says nothing. The text must be valid JSON.
 */
export function findDuplicateKey(text: string): string | undefined {
  const tokens = /"(?:[^"\\]|\\.)*"|[{}[\]]/g;
  const open: (Set<string> | undefined)[] = [];
  for (let match = tokens.exec(text); match; match = tokens.exec(text)) {
    const token = match[0];
    if (token === "{") open.push(new Set());
    else if (token === "[") open.push(undefined);
    else if (token === "}" || token === "]") open.pop();
    else {
      let next = tokens.lastIndex;
      while (/\s/.test(text[next] ?? "x")) next++;
      const keys = open.at(-1);
      if (text[next] !== ":" || !keys) continue;
      const key = JSON.parse(token) as string;
      if (keys.has(key)) return key;
      keys.add(key);
    }
  }
  return undefined;
}

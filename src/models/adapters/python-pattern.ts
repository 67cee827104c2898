/**
 * A regular expression of Python's `re` as PEFT's configurations have them; undefined where JavaScript cannot read it, or where
 * a repeated group repeats inside, which can take for ever on names that nearly match.
 *
 * @param before what stands in front of it, and `behind`, behind it, in JavaScript's way of writing
 */
export function pythonPattern(source: string, before = "", behind = ""): RegExp | undefined {
  if (source.length > 5000 || repeatsRepetition(source)) return undefined;
  const flags = /^\(\?([ims]+)\)/.exec(source);
  const body = source
    .slice(flags?.[0].length ?? 0)
    .replaceAll("(?P<", "(?<")
    .replace(/\(\?P=(\w+)\)/g, "\\k<$1>")
    .replaceAll("\\A", "^")
    .replaceAll("\\Z", "$");
  try {
    return new RegExp(before + body + behind, flags?.[1] ?? "");
  } catch {
    return undefined;
  }
}

/** Whether a group that holds a repetition is itself repeated without bound: `(a+)+`. */
function repeatsRepetition(source: string): boolean {
  const groups: { repeats: boolean }[] = [{ repeats: false }];
  const isUnbounded = (at: number) => /^(?:[*+]|\{\d*,\})/.test(source.slice(at, at + 12));
  for (let at = 0; at < source.length; at++) {
    const character = source[at];
    if (character === "\\") at++;
    else if (character === "[") {
      const end = source.indexOf("]", at + 2);
      if (end < 0) return false;
      at = end;
    } else if (character === "(") {
      groups.push({ repeats: false });
      continue;
    } else if (character === ")") {
      const inner = groups.pop();
      const outer = groups.at(-1);
      if (!inner || !outer) return false;
      if (inner.repeats && isUnbounded(at + 1)) return true;
      outer.repeats ||= inner.repeats;
    }
    if (isUnbounded(at + 1)) groups.at(-1)!.repeats = true;
  }
  return false;
}

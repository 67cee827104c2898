/** Repetitions without bound: each may multiply the ways to match a name by its length. Published adapters have five at most. */
const mostRepetitions = 6;

/**
 * A regular expression of Python's `re` as PEFT's configurations have them; undefined where JavaScript cannot read it, or where
 * it can take for ever on names that nearly match: a repeated group repeats inside or has alternatives, or too much repeats.
 *
 * @param before what stands in front of it, and `behind`, behind it, in JavaScript's way of writing
 */
export function pythonPattern(source: string, before = "", behind = ""): RegExp | undefined {
  if (source.length > 5000 || maySpin(source)) return undefined;
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

interface Group {
  /** It may match a text in several ways. */
  varies: boolean;
  /** What its alternatives begin with, one behind the other. */
  begins: string;
}

/**
 * Whether a group that holds a repetition, or alternatives that may begin alike, is itself repeated without bound, as in `(a+)+`
 * and `(a|a)+`; or whether there are too many repetitions.
 */
function maySpin(source: string): boolean {
  const groups: Group[] = [{ varies: false, begins: "" }];
  const isUnbounded = (at: number) => /^(?:[*+]|\{\d*,\})/.test(source.slice(at, at + 12));
  let repetitions = 0;
  for (let at = 0; at < source.length; at++) {
    const character = source[at];
    if (character === "\\") at++;
    else if (character === "[") {
      const end = source.indexOf("]", at + 2);
      if (end < 0) return false;
      at = end;
    } else if (character === "(") {
      groups.push({ varies: false, begins: beginning(source, at + 1) });
      continue;
    } else if (character === "|") {
      const group = groups.at(-1)!;
      const begin = beginning(source, at + 1);
      group.varies ||= begin === "" || group.begins === "" || group.begins.includes(begin);
      group.begins += begin;
    } else if (character === ")") {
      const inner = groups.pop();
      const outer = groups.at(-1);
      if (!inner || !outer) return false;
      if (inner.varies && isUnbounded(at + 1)) return true;
      outer.varies ||= inner.varies;
    }
    if (!isUnbounded(at + 1)) continue;
    groups.at(-1)!.varies = true;
    if (++repetitions > mostRepetitions) return true;
  }
  return false;
}

/** The letter that an alternative surely begins with; empty where that is not plain to see. */
function beginning(source: string, at: number): string {
  return /^(?:\?:)?(\w)(?![?*{])/.exec(source.slice(at, at + 4))?.[1] ?? "";
}

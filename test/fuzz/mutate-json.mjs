/** Damage to the meaning of a JSON file: values of other types and sizes, members missing, doubled, swapped and wrapped. */

const marks = { NaN: "\u0001NaN", Infinity: "\u0001Infinity", "-Infinity": "\u0001-Infinity" };

const values = [
  null,
  true,
  false,
  0,
  -1,
  1,
  2,
  3,
  7,
  0.5,
  255,
  1e5,
  1e8,
  2 ** 31,
  2 ** 32,
  2 ** 53,
  1e308,
  -1e308,
  marks.NaN,
  marks.Infinity,
  marks["-Infinity"],
  "",
  " ",
  "a",
  "▁",
  "é",
  "日本",
  "👩‍👩‍👧",
  "\ud800",
  "\u0000",
  "a".repeat(3000),
  "__proto__",
  "constructor",
  "(a+)+$",
  "(?:a|aa)*b",
  "\\p{L}+",
  "(?<=a)|",
  "(",
  "llama",
  "BPE",
  "Unigram",
  "float16",
  "../../x",
  [],
  {},
  [[]],
  [null],
  [1, "a"],
  { String: "" },
  { Regex: "" },
  { Regex: "a*" },
  { type: "Sequence" },
  { type: "ByteLevel" },
  { type: "Replace", pattern: { String: "a" }, content: "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" },
  { type: "Split", pattern: { Regex: "(\\w+\\s?)+$" }, behavior: "Isolated", invert: false },
];

/**
 * The value with one to four damages. Places are found by going down from the root and stopping by chance, so that a large
 * vocabulary does not take all of them.
 *
 * @param {unknown} value JSON; it is not changed
 * @param {import("./random.mjs").Random} random
 */
export function mutateJson(value, random) {
  const holder = { root: structuredClone(value) };
  for (let left = random.pick([1, 1, 1, 2, 4]); left > 0; left--) damageOnce(holder, random);
  return isDeep(holder.root) ? value : holder.root;
}

/** Deeper than what this file's own recursion can walk. */
function isDeep(value) {
  let level = [value];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > 2000) return true;
    level = level.flatMap((node) => (typeof node === "object" && node !== null ? Object.values(node) : []));
  }
  return false;
}

/** JSON text with the bare NaN and Infinity that Python's json writes. */
export function jsonText(value) {
  return (JSON.stringify(value) ?? "null").replace(/"\\u0001(NaN|-?Infinity)"/g, "$1");
}

/** The value with numbers where mutateJson marked what JSON has no number for. */
export function withNumbers(value) {
  if (typeof value === "string" && value.startsWith("\u0001")) return Number(value.slice(1));
  if (Array.isArray(value)) return value.map(withNumbers);
  return isObject(value) ? Object.fromEntries(Object.entries(value).map(([key, own]) => [key, withNumbers(own)])) : value;
}

function damageOnce(holder, random) {
  const { parent, key } = findPlace(holder, random);
  const node = parent[key];
  switch (random.below(9)) {
    case 0:
      if (Array.isArray(parent)) parent.splice(Number(key), 1);
      else delete parent[key];
      return;
    case 1:
      parent[key] = otherNumber(node, random);
      return;
    case 2:
      parent[key] = otherText(node, random);
      return;
    case 3: {
      const other = findPlace(holder, random);
      parent[key] = structuredClone(other.parent[other.key]);
      return;
    }
    case 4:
      parent[key] = wrap(node, random);
      return;
    case 5:
      if (Array.isArray(node)) node.push(...structuredClone(node.slice(0, 50)));
      else if (isObject(node)) node[random.pick(["", "type", "id", "__proto__", "constructor", "extra"])] = random.pick(values);
      else parent[key] = [node];
      return;
    case 6:
      if (isObject(node)) renameKey(node, random);
      else parent[key] = random.pick(values);
      return;
    default:
      parent[key] = structuredClone(random.pick(values));
  }
}

function findPlace(holder, random) {
  let parent = holder;
  let key = "root";
  for (;;) {
    const node = parent[key];
    const keys = typeof node === "object" && node !== null ? Object.keys(node) : [];
    if (keys.length === 0 || (parent !== holder && random.chance(0.25))) return { parent, key };
    parent = node;
    key = random.pick(keys);
  }
}

function otherNumber(node, random) {
  if (typeof node !== "number") return random.pick(values);
  return random.pick([
    -node,
    node + 1,
    node - 1,
    node * 2,
    node * 1000,
    node * 1e6,
    node / 2,
    node + 0.5,
    String(node),
    node || 1,
  ]);
}

function otherText(node, random) {
  if (typeof node !== "string") return random.pick(values);
  const at = random.below(node.length + 1);
  return random.pick([
    node.slice(0, at),
    node.slice(at),
    node + node,
    node.slice(0, at) + random.pick(["*", "+", "(", ")", "|", "[", "{2}", "\\", "{9999}", "?", "▁", "\u0000"]) + node.slice(at),
    node.toUpperCase(),
    [...node].reverse().join(""),
  ]);
}

function wrap(node, random) {
  let result = node;
  const name = random.pick(["normalizers", "pretokenizers", "processors", "decoders"]);
  for (let left = random.pick([1, 2, 30, 800]); left > 0; left--) {
    result = random.chance(0.5) || name === "" ? { type: "Sequence", [name]: [result] } : [result];
  }
  return result;
}

function renameKey(node, random) {
  const names = Object.keys(node);
  if (names.length === 0) return;
  const [from, to] = [random.pick(names), random.pick([...names, "__proto__", "toString", ""])];
  const value = node[from];
  delete node[from];
  Object.defineProperty(node, to, { value, enumerable: true, configurable: true, writable: true });
}

function isObject(node) {
  return typeof node === "object" && node !== null && !Array.isArray(node);
}

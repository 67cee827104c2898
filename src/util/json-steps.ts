/** Texts below this are parsed at once: it takes a few milliseconds. */
const smallText = 1_000_000;

/** Entries of a table that one step parses. */
const entriesOfStep = 1000;

const text = String.raw`"[^"\\]*(?:\\.[^"\\]*)*"`;
const number = String.raw`-?\d[\d.eE+-]*`;

/** What the entries of a table look like, by the bracket that opens it and the first character of its first entry. */
const entries: { readonly [start: string]: string } = {
  '{"': String.raw`${text}\s*:\s*${number}`,
  '["': text,
  "[[": String.raw`\[\s*${text}\s*,\s*(?:${text}|${number})\s*\]`,
};

/** Stands for a table in the rest of the text. No table of a file is this text followed by its own number. */
const mark = "\u{F0000}table ";

/**
 * The value of a large JSON text in steps, so that other work gets its turn between them. What is parsed in steps are the tables
 * named: objects of numbers, which become a `Map`, and lists of texts, of pairs of texts, or of a text and a number. The rest is
 * parsed at once.
 *
 * @param json the text
 * @param tables names of the members whose values are large tables
 * @returns the value; undefined where the text is small, has no such table, or is not the JSON that it seems to be: `JSON.parse`
 *   then gives the value or the error
 */
export function* parseJsonInSteps(json: string, tables: readonly string[]): Generator<void, unknown> {
  if (json.length < smallText) return undefined;
  const found: unknown[] = [];
  const rest: string[] = [];
  let from = 0;
  // the quote that opens a name is never escaped, and within a text every quote is
  for (const match of json.matchAll(new RegExp(String.raw`(?<=[{,\s])"(?:${tables.join("|")})"\s*:\s*(?=[{[])`, "g"))) {
    const start = match.index + match[0].length;
    if (start < from) continue;
    const table = yield* parseTable(json, start);
    if (table === undefined) return undefined;
    rest.push(json.slice(from, start), JSON.stringify(`${mark}${found.length}`));
    found.push(table.value);
    from = table.end;
  }
  if (found.length === 0) return undefined;
  yield;
  try {
    return JSON.parse(rest.join("") + json.slice(from), (_, value: unknown) =>
      typeof value === "string" && value.startsWith(mark) ? found[Number(value.slice(mark.length))] : value,
    );
  } catch {
    return undefined;
  }
}

/** The table that begins at `start`, and where it ends; undefined where it holds something else than such entries. */
function* parseTable(json: string, start: number): Generator<void, { value: unknown; end: number } | undefined> {
  const open = json[start] as string;
  const close = open === "{" ? "}" : "]";
  const first = /\s*/y;
  first.lastIndex = start + 1;
  first.test(json);
  const entry = entries[open + (json[first.lastIndex] ?? "")];
  if (entry === undefined) return undefined;
  const many = new RegExp(String.raw`(?:\s*${entry}\s*,){1,${entriesOfStep}}`, "y");
  const last = new RegExp(String.raw`\s*${entry}\s*${close}`, "y");
  const map = new Map<string, unknown>();
  const list: unknown[] = [];
  const add = (part: string) => {
    const value = JSON.parse(open + part + close) as object;
    if (Array.isArray(value)) for (const item of value) list.push(item);
    else for (const [key, own] of Object.entries(value)) map.set(key, own);
  };
  let at = start + 1;
  try {
    for (;;) {
      many.lastIndex = at;
      const part = many.exec(json)?.[0];
      if (part === undefined) break;
      add(part.slice(0, -1));
      at += part.length;
      yield;
    }
    last.lastIndex = at;
    const part = last.exec(json)?.[0];
    if (part === undefined) return undefined;
    add(part.slice(0, -1));
    return { value: open === "{" ? map : list, end: at + part.length };
  } catch {
    return undefined;
  }
}

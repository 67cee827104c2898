import { escaped, escapeHtml } from "./escape.ts";
import { TemplateFault, typeError, valueError } from "./fault.ts";
import { type Filter, filter } from "./filter.ts";
import { indexFrom } from "./number-arguments.ts";
import { iterate, iterator, listFrom, truth } from "./protocol.ts";
import { textFrom } from "./repr.ts";
import type { Runtime } from "./runtime.ts";
import { lengthOf, sliceOf, splitSpaces } from "./text.ts";
import { Dict, DictView, Markup, textOf, typeName, Undefined, type Value } from "./values.ts";

/** Text without what stands between `open` and `close`, in one pass. */
function without(text: string, open: string, close: string): string {
  let out = "";
  let at = 0;
  for (let start = text.indexOf(open); start >= 0; start = text.indexOf(open, at)) {
    const end = text.indexOf(close, start + (open === "<!--" ? 0 : open.length));
    if (end < 0) break;
    out += text.slice(at, start);
    at = end + close.length;
  }
  return out + text.slice(at);
}

const known: { readonly [entity: string]: string } = {
  amp: "&",
  lt: "<",
  gt: ">",
  quot: '"',
  apos: "'",
  nbsp: "\u00a0",
  copy: "\u00a9",
  reg: "\u00ae",
  hellip: "\u2026",
  mdash: "\u2014",
  ndash: "\u2013",
  laquo: "\u00ab",
  raquo: "\u00bb",
  lsquo: "\u2018",
  rsquo: "\u2019",
  ldquo: "\u201c",
  rdquo: "\u201d",
  euro: "\u20ac",
  trade: "\u2122",
  times: "\u00d7",
};

/** HTML's entities as characters: those of numbers, and the usual names. */
function unescapeHtml(text: string): string {
  return text.replace(/&(?:#(\d{1,7})|#[xX]([0-9a-fA-F]{1,6})|([a-zA-Z]{2,6}));/g, (whole, decimal, hex, name) => {
    if (name !== undefined) return known[name] ?? whole;
    const point = decimal === undefined ? Number.parseInt(hex, 16) : Number(decimal);
    return point > 0 && point <= 0x10ffff && !(point >= 0xd800 && point <= 0xdfff) ? String.fromCodePoint(point) : "\ufffd";
  });
}

function stripTags(runtime: Runtime, value: Value): string {
  const text = textFrom(runtime, value);
  runtime.budget.text(4 * text.length);
  const bare = without(without(text, "<!--", "-->"), "<", ">");
  return unescapeHtml(splitSpaces(bare).join(" "));
}

const safeBytes = /[A-Za-z0-9_.~-]/;

/** `urllib.parse.quote` of UTF-8 bytes. */
function quoteUrl(runtime: Runtime, value: Value, inQuery: boolean): string {
  const text = textFrom(runtime, value);
  runtime.budget.spend(text.length);
  let out = "";
  for (const character of text) {
    if (safeBytes.test(character) || (!inQuery && character === "/")) out += character;
    else if (inQuery && character === " ") out += "+";
    else {
      for (const byte of new TextEncoder().encode(character)) out += `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
    }
  }
  return out;
}

function urlEncode(runtime: Runtime, value: Value): string {
  if (textOf(value) !== undefined || !iterate(runtime, value)) return quoteUrl(runtime, value, false);
  const source = iterator(runtime, value instanceof Dict ? new DictView("items", value) : value);
  const parts: string[] = [];
  for (let next = source.next(); !next.done; next = source.next()) {
    const pair = listFrom(runtime, next.value);
    if (pair.length !== 2) throw valueError(`not enough values to unpack (expected 2, got ${pair.length})`);
    parts.push(pair.map((part) => quoteUrl(runtime, part, true)).join("="));
  }
  return parts.join("&");
}

function attributesText(runtime: Runtime, value: Value, autospace: boolean): Value {
  if (!(value instanceof Dict)) throw typeError(`'${typeName(value)}' object has no attribute 'items'`);
  const parts: string[] = [];
  for (const [id, item] of value.entries) {
    if (item === null || item instanceof Undefined) continue;
    const key = value.keyOf(id);
    const name = textOf(key);
    if (name === undefined) throw typeError(`expected string or bytes-like object, got '${typeName(key)}'`);
    if (/[ \t\n\r\f\v/>=]/.test(name)) throw valueError(`Invalid character in attribute name: '${name}'`);
    parts.push(`${escapeHtml(name)}="${escaped(runtime, item).text}"`);
  }
  const text = (autospace && parts.length > 0 ? " " : "") + parts.join(" ");
  runtime.budget.text(text.length);
  return runtime.autoescape ? new Markup(text) : text;
}

const topLevelDomains = "com|net|int|edu|gov|org|info|mil";
const httpPattern = new RegExp(
  `^(?:(?:https?:\\/\\/|www\\.)(?:[\\w%-]+\\.)+[a-z]{2,63}|(?:[\\w%-]{2,63}\\.)+(?:${topLevelDomains})|` +
    "https?:\\/\\/(?:(?:\\d{1,3}(?:\\.\\d{1,3}){3})|\\[(?:[\\da-f]{0,4}:){2}(?:[\\da-f]{0,4}:?){1,6}\\]))(?::\\d{1,5})?(?:[/?#]\\S*)?$",
  "iu",
);
const emailPattern = /^\S+@\w[\w.-]*\.\w+$/u;

function balance(middle: string, tail: string): [string, string] {
  let [inside, behind] = [middle, tail];
  for (const [open, close] of [
    ["(", ")"],
    ["<", ">"],
    ["&lt;", "&gt;"],
  ] as const) {
    const opened = inside.split(open).length - 1;
    if (opened <= inside.split(close).length - 1) continue;
    for (let left = Math.min(opened, behind.split(close).length - 1); left > 0; left--) {
      const end = behind.indexOf(close) + close.length;
      inside += behind.slice(0, end);
      behind = behind.slice(end);
    }
  }
  return [inside, behind];
}

/** Longest word that is looked at: no address is longer, and its patterns may take quadratic time. */
const longestWord = 2048;

function linkWord(word: string, attributes: string, trim: (url: string) => string, schemes: readonly string[]): string {
  if (word.length > longestWord) return word;
  const head = (/^(?:[(<]|&lt;)*/.exec(word) as RegExpExecArray)[0];
  let middle = word.slice(head.length);
  let tail = "";
  const ending = /(?:[)>.,\n]|&gt;)+$/.exec(middle);
  if (ending) {
    tail = ending[0];
    middle = middle.slice(0, ending.index);
  }
  [middle, tail] = balance(middle, tail);
  const link = (url: string, text: string, more = attributes) => `<a href="${url}"${more}>${text}</a>`;
  if (httpPattern.test(middle)) {
    middle = link(/^https?:\/\//.test(middle) ? middle : `https://${middle}`, trim(middle));
  } else if (middle.startsWith("mailto:") && emailPattern.test(middle.slice(7))) {
    middle = link(middle, middle.slice(7), "");
  } else if (/^(?!www\.|@)[^:]*@[^:]*$/.test(middle) && emailPattern.test(middle)) {
    middle = link(`mailto:${middle}`, middle, "");
  } else {
    for (const scheme of schemes) if (middle !== scheme && middle.startsWith(scheme)) middle = link(middle, middle);
  }
  return head + middle + tail;
}

function urlize(runtime: Runtime, [value, limit, nofollow, target, rel, schemes]: (Value | undefined)[]): Value {
  const relations = new Set(rel === undefined || rel === null ? [] : splitSpaces(textFrom(runtime, rel)));
  if (nofollow !== undefined && truth(nofollow)) relations.add("nofollow");
  relations.add("noopener");
  const targetText = target === undefined || target === null ? "" : ` target="${escaped(runtime, target).text}"`;
  const attributes = ` rel="${escapeHtml([...relations].sort().join(" "))}"${targetText}`;
  const most = limit === undefined || limit === null ? undefined : indexFrom(limit);
  const trim = (url: string) =>
    most !== undefined && lengthOf(runtime, url) > most ? `${sliceOf(runtime, url, 0, most)}...` : url;
  const extra =
    schemes === undefined || schemes === null ? [] : listFrom(runtime, schemes).map((each) => textFrom(runtime, each));
  for (const scheme of extra) {
    if (/^[\p{L}\p{N}_.+-]{2,}:\/{0,2}$/u.test(scheme)) continue;
    throw new TemplateFault("FilterArgumentError", `'${scheme}' is not a valid URI scheme prefix.`);
  }
  const text = escaped(runtime, value as Value).text;
  runtime.budget.spend(text.length);
  const linked = text
    .split(/(\s+)/)
    .map((word) => linkWord(word, attributes, trim, extra))
    .join("");
  runtime.budget.text(linked.length);
  return runtime.autoescape ? new Markup(linked) : linked;
}

/** Filters for HTML and addresses. */
export const htmlFilters: readonly [string, Filter][] = [
  filter("escape", "s, /", (runtime, [value]) => escaped(runtime, value as Value)),
  filter("e", "s, /", (runtime, [value]) => escaped(runtime, value as Value)),
  filter("forceescape", "value", (runtime, [value]) => escaped(runtime, textFrom(runtime, value as Value))),
  filter("safe", "value", (runtime, [value]) => new Markup(textFrom(runtime, value as Value))),
  filter("striptags", "value", (runtime, [value]) => stripTags(runtime, value as Value)),
  filter("urlencode", "value", (runtime, [value]) => urlEncode(runtime, value as Value)),
  filter("xmlattr", "d, autospace=", (runtime, [value, autospace]) =>
    attributesText(runtime, value as Value, autospace === undefined || truth(autospace)),
  ),
  filter("urlize", "value, trim_url_limit=, nofollow=, target=, rel=, extra_schemes=", urlize),
];

import { TsumugiError } from "../errors.ts";
import { isRecord, listOf } from "../util/json-value.ts";

/** What `trim_offsets` of a byte-level step does to a text's offsets: spaces at the ends of tokens are taken off. */
export interface Trim {
  /** The space that was put in front of the text is not taken off. */
  addPrefixSpace: boolean;
  /** Whether the text's first token is the first of what is trimmed: no special token was put before it. */
  first: boolean;
}

/** Special tokens that stand in a row, with the names that the file gives them. */
export interface SpecialPart {
  ids: readonly number[];
  tokens: readonly string[];
}

/** A text's place in a row: 0 for the first text, 1 for the second. `trims` are made in order. */
export interface TextPart {
  text: 0 | 1;
  trims: readonly Trim[];
}

/** What a row is made of, in order. */
export type RowLayout = readonly (SpecialPart | TextPart)[];

/** `post_processor` of a tokenizer.json: how rows are made of one text, or of a pair. */
export interface PostProcessor {
  /** The layout of a row. Throws `unsupported_tokenizer` where the steps cannot be done one after the other. */
  layout(pair: boolean, addSpecialTokens: boolean): RowLayout;
  /** How many tokens truncation leaves room for. */
  added(pair: boolean): number;
}

/** Parts that later steps see as one: what a text has become so far. */
type Group = (SpecialPart | TextPart)[];

interface Step {
  run(groups: Group[], addSpecialTokens: boolean): Group[];
  added(pair: boolean): number;
}

/** Reads `post_processor` of a tokenizer.json. Unknown kinds are refused (`unsupported_tokenizer`). */
export function createPostProcessor(config: unknown): PostProcessor {
  return compiled(config === null || config === undefined ? [] : stepsOf(config));
}

/** `[bos] $A [eos]`: what add_bos_token and add_eos_token of tokenizer_config.json put in the post-processor's place. */
export function bosEosProcessor(bos: Named | undefined, eos: Named | undefined): PostProcessor {
  const before = bos ? [special(bos)] : [];
  const after = eos ? [special(eos)] : [];
  const single: Template = [...before, "A", ...after];
  return compiled([templateStep(single, [...single, ...before, "B", ...after])]);
}

/** A special token with its id. */
export interface Named {
  token: string;
  id: number;
}

/** Texts that a row may be made of. Templates name each text once; a row grows with every further place of it. */
const mostTexts = 16;
/** Special tokens that a row may have. */
const mostSpecials = 4096;

type Template = (SpecialPart | "A" | "B")[];

/** The four layouts are made once; what cannot be done is refused when it is asked for. */
function compiled(steps: readonly Step[]): PostProcessor {
  const layouts = new Map<string, RowLayout>();
  return {
    layout(pair, addSpecialTokens) {
      const key = `${pair} ${addSpecialTokens}`;
      const known = layouts.get(key);
      if (known) return known;
      const texts: Group[] = pair ? [[{ text: 0, trims: [] }], [{ text: 1, trims: [] }]] : [[{ text: 0, trims: [] }]];
      const layout = steps.reduce((groups, step) => bounded(step.run(groups, addSpecialTokens)), texts).flat();
      layouts.set(key, layout);
      return layout;
    },
    added: (pair) => steps.reduce((sum, step) => sum + step.added(pair), 0),
  };
}

/** Refuses a row that would be many times as long as its texts. */
function bounded(groups: Group[]): Group[] {
  let [texts, specials] = [0, 0];
  for (const group of groups)
    for (const part of group) {
      if ("text" in part) texts++;
      else specials += part.ids.length;
    }
  if (texts > mostTexts) throw unsupported(`post_processor: a row of more than ${mostTexts} texts`, `${texts} texts`);
  if (specials > mostSpecials)
    throw unsupported(`post_processor: a row of more than ${mostSpecials} special tokens`, `${specials} special tokens`);
  return groups;
}

function stepsOf(config: unknown): Step[] {
  if (!isRecord(config)) throw unsupported("post_processor", config);
  switch (config.type) {
    case "Sequence":
      return listOf(config.processors).flatMap(stepsOf);
    case "ByteLevel":
      return trimSteps(config);
    case "TemplateProcessing": {
      const table = isRecord(config.special_tokens) ? config.special_tokens : {};
      return [templateStep(readTemplate(config.single, table), readTemplate(config.pair, table))];
    }
    case "BertProcessing":
      return [wrapStep(config, false)];
    case "RobertaProcessing":
      return [...trimSteps(config), wrapStep(config, true)];
    default:
      throw unsupported("post_processor", config.type);
  }
}

/** A template for one text and one for two. Behind it, each of its parts is a text to later steps. */
function templateStep(single: Template, pair: Template): Step {
  const count = (template: Template) =>
    template.reduce((sum, part) => sum + (typeof part === "string" ? 0 : part.ids.length), 0);
  return {
    added: (isPair) => count(isPair ? pair : single),
    run(groups, addSpecialTokens) {
      if (groups.length > 2) throw unsupported("post_processor: a template behind one that makes", `${groups.length} parts`);
      const made: Group[] = [];
      for (const part of groups.length === 2 ? pair : single) {
        if (typeof part !== "string") {
          if (addSpecialTokens) made.push([part]);
          continue;
        }
        const group = groups[part === "A" ? 0 : 1];
        if (!group) throw unsupported("post_processor: a template that needs a second text", "one text");
        made.push([...group]);
      }
      return made;
    },
  };
}

/** `[CLS] first [SEP]`, and each further text with a separator behind it (`before` too: RoBERTa). */
function wrapStep(config: Record<string, unknown>, before: boolean): Step {
  const [cls, sep] = [special(namedOf(config.cls, "cls")), special(namedOf(config.sep, "sep"))];
  return {
    added: (pair) => (pair ? (before ? 4 : 3) : 2),
    run(groups, addSpecialTokens) {
      if (!addSpecialTokens) return groups;
      return groups.map((group, index) => [...(index === 0 ? [cls] : before ? [sep] : []), ...group, sep]);
    },
  };
}

function trimSteps(config: Record<string, unknown>): Step[] {
  if (config.trim_offsets === false) return [];
  const addPrefixSpace = config.add_prefix_space !== false;
  const run = (groups: Group[]) =>
    groups.map((group) =>
      group.map((part, index) =>
        "text" in part ? { ...part, trims: [...part.trims, { addPrefixSpace, first: index === 0 }] } : part,
      ),
    );
  return [{ added: () => 0, run }];
}

function readTemplate(value: unknown, table: Record<string, unknown>): Template {
  const known = new Map<string, SpecialPart>();
  return listOf(value).map((item) => {
    if (!isRecord(item)) throw unsupported("post_processor.single", item);
    if (isRecord(item.Sequence)) return item.Sequence.id === "B" ? "B" : "A";
    const name = isRecord(item.SpecialToken) ? item.SpecialToken.id : undefined;
    const part = known.get(String(name)) ?? specialOf(name, table);
    known.set(String(name), part);
    return part;
  });
}

function specialOf(name: unknown, table: Record<string, unknown>): SpecialPart {
  const entry = Object.hasOwn(table, String(name)) ? table[String(name)] : undefined;
  if (!isRecord(entry)) throw unsupported("post_processor token", name);
  return { ids: listOf(entry.ids).map(Number), tokens: listOf(entry.tokens).map(String) };
}

function namedOf(value: unknown, what: string): Named {
  const [token, id] = listOf(value);
  if (typeof token !== "string" || typeof id !== "number") throw unsupported(`post_processor.${what}`, value);
  return { token, id };
}

function special({ token, id }: Named): SpecialPart {
  return { ids: [id], tokens: [token] };
}

function unsupported(what: string, given: unknown): TsumugiError {
  return new TsumugiError("unsupported_tokenizer", { what, given });
}

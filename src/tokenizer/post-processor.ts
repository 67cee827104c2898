import { TsumugiError } from "../errors.ts";
import { isRecord, listOf } from "../util/json-value.ts";

/** What is put around the ids of a text: special ids, and the places of the first and second text. */
export type Template = (readonly number[] | "A" | "B")[];

/** Templates for one text and for a pair of texts. */
export interface PostProcessor {
  single: Template;
  pair: Template;
  /** How spaces at the ends of tokens are taken off their offsets, step by step. */
  trims?: Trim[];
}

/** `trim_offsets` of a byte-level step; with `addPrefixSpace` the space that was put in front is not taken off. */
export interface Trim {
  addPrefixSpace: boolean;
}

/** `post_processor` of a tokenizer.json as templates of ids. Unknown kinds are refused (`unsupported_tokenizer`). */
export function createPostProcessor(config: unknown): PostProcessor {
  const plain: PostProcessor = { single: ["A"], pair: ["A", "B"] };
  if (config === null || config === undefined) return plain;
  if (!isRecord(config)) throw new TsumugiError("unsupported_tokenizer", { what: "post_processor", given: config });
  switch (config.type) {
    case "ByteLevel":
      return { ...plain, trims: trimsOf(config) };
    case "Sequence": {
      const steps = listOf(config.processors).map(createPostProcessor);
      const { single, pair } = steps.reduce((inner, outer) => (outer.single.length > 1 ? outer : inner), plain);
      return { single, pair, trims: steps.flatMap(({ trims = [] }) => trims) };
    }
    case "TemplateProcessing": {
      const table = isRecord(config.special_tokens) ? config.special_tokens : {};
      return { single: template(config.single, table), pair: template(config.pair, table) };
    }
    case "BertProcessing":
    case "RobertaProcessing": {
      const [cls, sep] = [[Number(listOf(config.cls)[1])], [Number(listOf(config.sep)[1])]];
      const between: Template = config.type === "RobertaProcessing" ? [sep, sep] : [sep];
      const trims = config.type === "RobertaProcessing" ? trimsOf(config) : [];
      return { single: [cls, "A", sep], pair: [cls, "A", ...between, "B", sep], trims };
    }
    default:
      throw new TsumugiError("unsupported_tokenizer", { what: "post_processor", given: config.type });
  }
}

/** `[bos] $A [eos]`: what add_bos_token and add_eos_token of tokenizer_config.json put in the post-processor's place. */
export function bosEosProcessor(bos: number | undefined, eos: number | undefined): PostProcessor {
  const before: Template = bos === undefined ? [] : [[bos]];
  const after: Template = eos === undefined ? [] : [[eos]];
  const single: Template = [...before, "A", ...after];
  return { single, pair: [...single, ...before, "B", ...after] };
}

/** How many ids a template adds. */
export function addedLength(template: Template): number {
  return template.reduce((sum, part) => sum + (typeof part === "string" ? 0 : part.length), 0);
}

function trimsOf(config: Record<string, unknown>): Trim[] {
  return config.trim_offsets === false ? [] : [{ addPrefixSpace: config.add_prefix_space !== false }];
}

function template(value: unknown, table: Record<string, unknown>): Template {
  return listOf(value).map((item) => {
    if (!isRecord(item)) throw new TsumugiError("unsupported_tokenizer", { what: "post_processor.single", given: item });
    if (isRecord(item.Sequence)) return item.Sequence.id === "B" ? "B" : "A";
    const name = isRecord(item.SpecialToken) ? item.SpecialToken.id : undefined;
    const entry = table[String(name)];
    if (!isRecord(entry)) throw new TsumugiError("unsupported_tokenizer", { what: "post_processor token", given: name });
    return listOf(entry.ids).map(Number);
  });
}

import { TsumugiError } from "../../errors.ts";

/** What a kind of byte-level BPE does beside its vocabulary. */
export interface BpeKind {
  /** Patterns that cut a text, one after another, each in the pieces of the one before. */
  patterns: readonly string[];
  /** A text that is a token as a whole becomes it, whatever the merges say. */
  ignoresMerges?: boolean;
  /** BOS is put before texts where the file does not say. */
  addsBos?: true;
  /** Texts are brought to NFC first. */
  composes?: true;
}

const contractions = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";
const gpt2 = String.raw`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`;
const tail = String.raw`\s*[\r\n]+|\s+(?!\S)|\s+`;
const words = (digits: string) =>
  String.raw`${contractions}|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}${digits}| ?[^\s\p{L}\p{N}]+[\r\n]*|${tail}`;
const upper = String.raw`\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}`;
const lower = String.raw`\p{Ll}\p{Lm}\p{Lo}\p{M}`;
/** Words in which capitals begin a new one. */
const cased = (ending: string, digits: string) =>
  [
    String.raw`[^\r\n\p{L}\p{N}]?[${upper}]*[${lower}]+${ending}`,
    String.raw`[^\r\n\p{L}\p{N}]?[${upper}]+[${lower}]*${ending}`,
    String.raw`\p{N}${digits}`,
    String.raw` ?[^\s\p{L}\p{N}]+[\r\n/]*`,
    tail,
  ].join("|");
const threeDigits = "[0-9][0-9][0-9]";
const marks = String.raw`[\p{P}\$\+<=>\^~\|]+`;
const bloom = " ?[^(\\s|.,!?…。，、।۔،)]+";

const llama3: BpeKind = { patterns: [words("{1,3}")], ignoresMerges: true, addsBos: true };
const gptKind: BpeKind = { patterns: [gpt2] };
const digitKind: BpeKind = { patterns: [String.raw`\p{N}`, gpt2] };

/** By the first of the names that llama.cpp has for them in `tokenizer.ggml.pre`. */
const kinds: readonly [names: string, kind: BpeKind][] = [
  ["default", { patterns: [marks, gpt2, String.raw`\p{N}+`, threeDigits] }],
  ["llama-bpe llama3 llama-v3 falcon3 falcon-h1 pixtral midm-2.0 lfm2", llama3],
  ["dbrx smaug-bpe chatglm-bpe glm4", { patterns: [words("{1,3}")] }],
  ["qwen2 deepseek-r1-qwen megrez", { patterns: [words("")], composes: true }],
  ["stablelm2 hunyuan solar-open", { patterns: [words("")] }],
  [
    "gpt-2 phi-2 jina-es jina-de jina-v1-en jina-v2-es jina-v2-de jina-v2-code gigachat roberta-bpe mpt olmo jais trillion",
    gptKind,
  ],
  ["granite-docling smollm starcoder refact command-r codeshell exaone minerva-7b", digitKind],
  ["falcon", { patterns: ["[\\p{P}\\$\\+<=>\\^~\\|`]+", gpt2, threeDigits] }],
  [
    "deepseek-llm",
    {
      patterns: [
        "[\r\n]",
        String.raw`\s?[\p{Lu}\p{Ll}\p{Lt}]+`,
        String.raw`\s?[!-/:-~！-／：-～‘-‟　-。]+`,
        String.raw`\s+$`,
        "[一-龥ࠀ-一가-퟿]+",
        String.raw`\p{N}+`,
      ],
    },
  ],
  [
    "deepseek-coder",
    { patterns: ["[\r\n]", String.raw`\s?\p{L}+`, String.raw`\s?\p{P}+`, "[一-龥ࠀ-一가-퟿]+", String.raw`\p{N}`] },
  ],
  [
    "deepseek-v3 hunyuan-dense joyai-llm",
    {
      patterns: [
        String.raw`\p{N}{1,3}`,
        "[一-龥぀-ゟ゠-ヿ]+",
        String.raw`[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_` +
          "`" +
          String.raw`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|${tail}`,
      ],
    },
  ],
  ["tekken", { patterns: [cased("", "")], ignoresMerges: true, addsBos: true }],
  ["gpt-4o llama4", { patterns: [cased(`${contractions}?`, "{1,3}")] }],
  ["poro-chat bloom gpt3-finnish", { patterns: [bloom] }],
  ["viking", { patterns: [bloom, String.raw`\p{N}`] }],
];

const byName = new Map(kinds.flatMap(([names, kind]) => names.split(" ").map((name) => [name, kind] as const)));

/**
 * The kind of byte-level BPE that a file names in `tokenizer.ggml.pre`. Source: llama.cpp's llama-vocab.cpp, and the patterns of
 * the models' own tokenizer.json.
 *
 * @throws TsumugiError `unsupported_tokenizer`
 */
export function bpeKindOf(pre: string): BpeKind {
  const kind = byName.get(pre);
  if (kind) return kind;
  const what = `\`tokenizer.ggml.pre\` of a GGUF file other than ${[...byName.keys()].join(", ")}`;
  throw new TsumugiError("unsupported_tokenizer", { what, given: pre });
}

/** The name of the kind that cuts texts by these patterns; undefined where there is none. */
export function bpeKindName(patterns: readonly string[], ignoresMerges: boolean): string | undefined {
  const fits = ({ patterns: own, ignoresMerges: ignores = false }: BpeKind) =>
    own.join("\n") === patterns.join("\n") && ignores === ignoresMerges;
  return kinds.find(([, kind]) => fits(kind))?.[0].split(" ")[0];
}

/** What splitting digits, and GPT-2's own cutting, are called here. */
export const [digitPattern, gptPattern] = digitKind.patterns as [string, string];

import { TsumugiError } from "../../errors.ts";
import type { Tokenizer } from "../../tokenizer/index.ts";

/** Answers of earlier calls: tokenizers do not change, and have many tokens. */
const known = new WeakMap<Tokenizer, WeakMap<Tokenizer, boolean>>();

/** Whether both tokenizers have the same tokens under the same ids. */
function haveSameTokens(one: Tokenizer, other: Tokenizer): boolean {
  const before = known.get(one)?.get(other);
  if (before !== undefined) return before;
  const vocabulary = other.getVocab();
  const own = one.getVocab();
  const same = own.size === vocabulary.size && [...own].every(([token, id]) => vocabulary.get(token) === id);
  const answers = known.get(one) ?? new WeakMap<Tokenizer, boolean>();
  known.set(one, answers.set(other, same));
  return same;
}

/** A model's vocabulary: how many ids it has, and its tokenizer. */
export interface Vocabulary {
  size: number;
  loadTokenizer(): Promise<Tokenizer>;
}

/**
 * An assistant's ids must mean what the model's do. Models of one family often have more ids than tokens, and not the same
 * number of them: then their tokenizers tell.
 *
 * @throws `invalid_option`
 */
export async function checkSameTokens(model: Vocabulary, assistant: Vocabulary): Promise<void> {
  if (model.size === assistant.size) return;
  const refuse = (found: string) => {
    const expected = `a model with the same tokenizer (this model has ${model.size} token ids)`;
    throw new TsumugiError("invalid_option", { option: "assistantModel", expected, found });
  };
  const load = ({ loadTokenizer }: Vocabulary) => loadTokenizer().catch(() => undefined);
  const [own, other] = await Promise.all([load(model), load(assistant)]);
  if (!own || !other) refuse(`one of ${assistant.size}; ${own ? "it" : "this model"} has no tokenizer to compare`);
  else if (!haveSameTokens(own, other)) refuse(`one of ${assistant.size} with a tokenizer of its own`);
}

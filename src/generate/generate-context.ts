import type { GenerationConfig } from "../decoding/generation-config.ts";
import type { EngineInterface } from "../engine/request.ts";
import type { Model } from "../ops/program.ts";
import type { RandomGenerator } from "../sampling/index.ts";
import type { Tokenizer } from "../tokenizer/index.ts";

/** What a call of `generate` works with. */
export interface GenerateContext {
  engine: EngineInterface;
  model: Model;
  /** The model's own settings. */
  generationConfig: GenerationConfig;
  /** Sequences that the engine runs at once. */
  maxSequences: number;
  /** The model's own tokenizer; called when stop strings need one. */
  loadTokenizer(): Promise<Tokenizer>;
  /** Several calls that share one seed; overrides `seed` and `setSeed`. */
  generator?: RandomGenerator;
}

import type { EngineInterface } from "../engine/request.ts";
import type { Model } from "../ops/program.ts";
import type { Tokenizer } from "../tokenizer/index.ts";
import type { GenerationConfig } from "./generation-config.ts";

/** A model that is loaded and runs in an engine, with what is known of it. */
export interface LoadedModel {
  engine: EngineInterface;
  model: Model;
  /** The model's own settings. */
  generationConfig: GenerationConfig;
  /** The file that they come from. */
  settingsFile: string;
  /** Sequences that the engine runs at once. */
  maxSequences: number;
  /** The model's own tokenizer. */
  loadTokenizer(): Promise<Tokenizer>;
}

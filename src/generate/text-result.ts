import type { FinishReason } from "../engine/request.ts";

/** One answer of a model, wherever it runs. */
export interface TextResult {
  /** The new text alone. */
  text: string;
  /** Why it ended; "stop" also where a model does not tell a stop string from its own end. */
  finishReason: FinishReason;
  /** Tokens, where the model counts them. */
  usage?: { promptTokens: number; completionTokens: number } | undefined;
}

/** One answer of a model that runs here. */
export interface StreamResult extends TextResult {
  /** New tokens, the end token included. */
  tokenIds: number[];
  usage: { promptTokens: number; completionTokens: number };
  /** Milliseconds until the first token (waiting included) and after it; tokens per second after the first. */
  timings: { prefillMs: number; decodeMs: number; tokensPerSecond: number };
}

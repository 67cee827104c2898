/** All supported fields with their values decided; null is unset. */
export interface GenerationSettings {
  maxLength: number | null;
  maxNewTokens: number | null;
  minLength: number;
  minNewTokens: number | null;
  maxTime: number | null;
  stopStrings: string[] | null;
  doSample: boolean;
  numBeams: number;
  earlyStopping: boolean | "never";
  lengthPenalty: number;
  numBeamGroups: number;
  diversityPenalty: number;
  penaltyAlpha: number;
  /** [constraints][alternatives][tokens] */
  forceWordsIds: number[][][] | null;
  numReturnSequences: number;
  padTokenId: number | null;
  bosTokenId: number | null;
  decoderStartTokenId: number | number[] | null;
  eosTokenId: number[] | null;
  promptLookupNumTokens: number | null;
  maxMatchingNgramSize: number;
  outputLogits: boolean;
  outputScores: boolean;
  outputHiddenStates: boolean;
  outputAttentions: boolean;
  /** The rest: values of the logits processors, by option. */
  readonly [processor: string]: unknown;
}

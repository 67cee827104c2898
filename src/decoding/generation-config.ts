import type {
  Dry,
  ExponentialDecay,
  LogitBias,
  LogitsProcessor,
  Mirostat,
  PrefixAllowedTokensFn,
  SequenceBias,
  WatermarkingConfig,
  Xtc,
} from "../sampling/index.ts";

/**
 * How to generate: the supported fields of transformers' GenerationConfig, in camelCase. An absent field is unset: the
 * model's generation_config.json decides, then the default. `null` switches a field off whatever the model says.
 *
 * Defaults are transformers 5's. Mind that `doSample: true` alone applies `topK: 50`.
 * Source: transformers 5.18, `generation/configuration_utils.py`.
 */
export interface GenerationConfig {
  /** Prompt and new tokens together. Default: 20 new tokens, with a warning. `maxNewTokens` wins over it. */
  maxLength?: number | null;
  /** New tokens. */
  maxNewTokens?: number | null;
  /** No end token while the row, prompt included, is shorter. Default 0. */
  minLength?: number | null;
  /** No end token before so many new tokens. It wins over `minLength`. */
  minNewTokens?: number | null;
  /** Seconds from the call; checked after each step. */
  maxTime?: number | null;
  /** Ends a row when one of these texts ends in its newest token. It stays in the output. */
  stopStrings?: string | readonly string[] | null;
  /** Draw tokens at random by their probability. Default false: always the likeliest. */
  doSample?: boolean | null;
  /** Rows that a beam search follows at once; with `doSample` it draws their continuations. Default 1: no search. */
  numBeams?: number | null;
  /**
   * When a beam search ends. false: when no beam is likely to get better than the finished rows; true: with `numBeams`
   * finished rows; "never": when no beam can get better. Default false.
   */
  earlyStopping?: boolean | "never" | null;
  /** A beam's score is its log probability divided by length^lengthPenalty: above 0 favours long rows. Default 1. */
  lengthPenalty?: number | null;
  /** Diverse beam search: groups of beams that keep away from what the groups before them choose. Divides `numBeams`. Default 1. */
  numBeamGroups?: number | null;
  /** Taken from a token's score for each beam of an earlier group that chose it in the same step. Default 0. */
  diversityPenalty?: number | null;
  /** Above 0, without `doSample` and beams: contrastive search among the `topK` likeliest tokens, with this weight of their likeness to the text. */
  penaltyAlpha?: number | null;
  /** Phrases (token ids) that every row of a beam search must hold; a list of phrases in a phrase's place: one of them. */
  forceWordsIds?: readonly (readonly number[] | readonly (readonly number[])[])[] | null;
  /** Divides the scores. Sampling only. Above 0; default 1. */
  temperature?: number | null;
  /** Only the k likeliest tokens. Sampling only. Default 50; 0 is no limit. */
  topK?: number | null;
  /** Only the likeliest tokens that together reach this probability. Sampling only. Default 1. */
  topP?: number | null;
  /** Only tokens at least this share as likely as the likeliest. Sampling only. */
  minP?: number | null;
  /** Locally typical sampling up to this mass. Sampling only. Default 1. */
  typicalP?: number | null;
  /** Drops tokens less likely than this. Sampling only. Default 0. */
  epsilonCutoff?: number | null;
  /** Eta sampling. Sampling only. Default 0. */
  etaCutoff?: number | null;
  /** Above 1 makes tokens of the prompt and the answer less likely to come again. Default 1. */
  repetitionPenalty?: number | null;
  /** Top-H sampling: the likeliest of the best 100 tokens up to this share of their entropy. Sampling only. */
  topH?: number | null;
  /** Above 1 makes tokens of the prompt (or the encoder's input) likelier to come again; with copies or beams, as in transformers, only in as many rows as there are prompts. Default 1. */
  encoderRepetitionPenalty?: number | null;
  /** [[token ids, bias], …]: added to the last token's score where the others stand at the end of the row. */
  sequenceBias?: SequenceBias | null;
  /** No sequence of this many tokens comes twice, prompt included. Default 0: off. */
  noRepeatNgramSize?: number | null;
  /** No sequence of this many tokens of the prompt (or the encoder's input) comes in the answer. Default 0: off. */
  encoderNoRepeatNgramSize?: number | null;
  /** Token sequences that are never generated. */
  badWordsIds?: readonly (readonly number[])[] | null;
  /** The first new token, where the prompt is one token. */
  forcedBosTokenId?: number | null;
  /** What the last token that the length allows must be; one or many. */
  forcedEosTokenId?: number | readonly number[] | null;
  /** Replace NaN and infinite scores. Default false. */
  removeInvalidValues?: boolean | null;
  /** [start, factor]: behind so many new tokens, end tokens gain exponentially. */
  exponentialDecayLengthPenalty?: ExponentialDecay | null;
  /** Tokens that are never generated. */
  suppressTokens?: readonly number[] | null;
  /** Tokens that are not generated first. */
  beginSuppressTokens?: readonly number[] | null;
  /** Make the processed scores log probabilities. Default false. */
  renormalizeLogits?: boolean | null;
  /** Classifier-free guidance: above 1, away from `negativePromptIds` (default: the prompt's last token). One beam. */
  guidanceScale?: number | null;
  /** A KGW watermark, which `WatermarkDetector` finds. Absent settings take transformers' defaults. */
  watermarkingConfig?: Partial<WatermarkingConfig> | null;
  /** { [token id]: bias } added to the raw scores, as OpenAI's `logit_bias`. */
  logitBias?: LogitBias | null;
  /** Tokens lose this much for every time they came in the answer, as OpenAI's `frequency_penalty`. Default 0. */
  frequencyPenalty?: number | null;
  /** Tokens that came in the answer lose this much, as OpenAI's `presence_penalty`. Default 0. */
  presencePenalty?: number | null;
  /** DRY: what would continue a repeated sequence loses exponentially, as in llama.cpp. Off without `multiplier`. */
  dry?: Partial<Dry> | null;
  /** Only tokens whose score is within so many standard deviations of the best. Sampling only. */
  topNSigma?: number | null;
  /** XTC: with `probability`, drops the tokens likelier than `threshold` but the least likely of them. Sampling only. */
  xtc?: Partial<Xtc> | null;
  /** Mirostat 2, instead of all other warpers but temperature. Sampling only. */
  mirostat?: Partial<Mirostat> | null;
  /** Which tokens may come next: (row, inputIds) => ids. An option of a call. */
  prefixAllowedTokensFn?: PrefixAllowedTokensFn | null;
  /** Processors of your own: (inputIds, scores, row), behind all but temperature and the warpers after it. An option of a call. */
  logitsProcessor?: readonly LogitsProcessor[] | null;
  /** Rows per prompt, next to each other. Needs `doSample: true`, or as many `numBeams`. Default 1. */
  numReturnSequences?: number | null;
  /** Fills rows that ended. Default: the first of `eosTokenId`. */
  padTokenId?: number | null;
  /** Starts a row without a prompt. */
  bosTokenId?: number | null;
  /** Starts the decoder of an encoder-decoder model: one id, or one for each input. Default: `bosTokenId`. */
  decoderStartTokenId?: number | readonly number[] | null;
  /** Ends a row; one or many. */
  eosTokenId?: number | readonly number[] | null;
  /**
   * Prompt lookup: drafts of so many tokens, of what followed where the row's last tokens stood in it before. The answer stays
   * the same and comes sooner where it repeats its prompt. Default: none.
   */
  promptLookupNumTokens?: number | null;
  /** The most of the row's last tokens that prompt lookup looks for. Default 2. */
  maxMatchingNgramSize?: number | null;
  /** Tokens of a draft of `assistantModel`, at most. Default: the assistant's own setting, else 20. */
  numAssistantTokens?: number | null;
  /**
   * "constant"; "heuristic": 2 more after a draft that was right, 1 less after one that was not, remembered in the
   * assistant's `generationConfig`; "heuristic_transient": the same, forgotten with the row. Default: the assistant's own
   * setting, else "constant".
   */
  numAssistantTokensSchedule?: "constant" | "heuristic" | "heuristic_transient" | null;
  /** A draft of `assistantModel` ends behind a token less likely than this. Default: the assistant's own setting, else 0.4; 0: off. */
  assistantConfidenceThreshold?: number | null;
  /** Return every step's raw logits. Default false. */
  outputLogits?: boolean | null;
  /** Return every step's processed scores. Default false. */
  outputScores?: boolean | null;
  /** Return every step's hidden states, on the reference device. Default false. */
  outputHiddenStates?: boolean | null;
  /** Return every step's shares of attention, on the reference device. Default false. */
  outputAttentions?: boolean | null;
  /** Accepted for transformers' sake: `generate` always returns an object. */
  returnDictInGenerate?: boolean | null;
}

import { TsumugiError } from "../errors.ts";
import { Greenlist, type WatermarkingConfig, watermarkSchema } from "../sampling/index.ts";
import type { PartialFields } from "../util/partial-fields.ts";
import { parseOption } from "../util/schemas.ts";

/** What a watermark detector says about one row. */
export interface WatermarkDetection {
  /** Tokens that could be scored. */
  tokensScored: number;
  /** Those of them that are green. */
  greenTokens: number;
  greenFraction: number;
  /** Standard deviations above what unmarked text has. */
  zScore: number;
  pValue: number;
  confidence: number;
  /** `zScore` is above the threshold. */
  prediction: boolean;
}

export interface WatermarkDetectorOptions {
  /** Size of the model's vocabulary: `vocab_size` of config.json. */
  vocabularySize: number;
  /** The settings that the text was generated with; absent ones take the defaults. */
  watermarkingConfig?: PartialFields<WatermarkingConfig> | undefined;
  /** A first token that is this id is left out. */
  bosTokenId?: number | null | undefined;
  /** Count every distinct context and token once. Default false. */
  ignoreRepeatedNgrams?: boolean | undefined;
}

/**
 * Finds the watermark of `watermarkingConfig` in token ids.
 *
 * @throws `invalid_option`; `invalid_input` where a row is too short
 *
 * @example
 * ```ts
 * const detector = new WatermarkDetector({ vocabularySize: 50257, watermarkingConfig: { bias: 2.5 } });
 * const [row] = detector.detect([newTokens]);
 * console.log(row.zScore, row.prediction);
 * ```
 * Source: Kirchenbauer et al., 2023; transformers 5.18, `WatermarkDetector`.
 */
export class WatermarkDetector {
  readonly #config: WatermarkingConfig;
  readonly #greenlist: Greenlist;
  readonly #options: WatermarkDetectorOptions;

  constructor(options: WatermarkDetectorOptions) {
    const { vocabularySize } = options;
    if (!(Number.isSafeInteger(vocabularySize) && vocabularySize > 0)) {
      const expected = "a whole number above 0";
      throw new TsumugiError("invalid_option", { option: "vocabularySize", expected, given: vocabularySize });
    }
    this.#config = parseOption(watermarkSchema, options.watermarkingConfig ?? {}, "watermarkingConfig");
    this.#greenlist = new Greenlist(this.#config, vocabularySize);
    this.#options = options;
  }

  /**
   * @param rows token ids, best without the prompt
   * @param zThreshold what `prediction` compares with; default 3
   * @throws `invalid_input`
   */
  detect(rows: readonly (readonly number[])[], zThreshold = 3): WatermarkDetection[] {
    if (!Array.isArray(rows) || !rows.every(isTokenIds)) {
      throw new TsumugiError("invalid_input", {
        what: "The rows to detect",
        expected: "a list of rows of token ids",
        given: rows,
      });
    }
    // as transformers: when the first row begins with it, all do
    const { bosTokenId } = this.#options;
    const skip = typeof bosTokenId === "number" && rows[0]?.[0] === bosTokenId ? 1 : 0;
    return rows.map((row) => this.#score(row.slice(skip), zThreshold));
  }

  #score(tokens: readonly number[], zThreshold: number): WatermarkDetection {
    const { contextWidth, seedingScheme, greenlistRatio: ratio } = this.#config;
    if (tokens.length <= contextWidth) {
      const expected = `longer than \`contextWidth\` (${contextWidth})`;
      throw new TsumugiError("invalid_input", { what: "A row to detect", expected, given: `${tokens.length} tokens` });
    }
    const own = seedingScheme === "selfhash";
    const size = own ? contextWidth : contextWidth + 1;
    const seen = new Set<string>();
    let tokensScored = 0;
    let greenTokens = 0;
    for (let start = 0; start + size <= tokens.length; start++) {
      const ngram = tokens.slice(start, start + size);
      if (this.#options.ignoreRepeatedNgrams) {
        if (seen.has(ngram.join())) continue;
        seen.add(ngram.join());
      }
      tokensScored++;
      const green = this.#greenlist.tokens(own ? ngram : ngram.slice(0, -1));
      if (green.includes(ngram.at(-1)!)) greenTokens++;
    }
    const zScore = (greenTokens - ratio * tokensScored) / Math.sqrt(tokensScored * ratio * (1 - ratio));
    const confidence = 0.5 * (1 + Math.sign(zScore) * (1 - Math.exp((-2 * zScore ** 2) / Math.PI)));
    return {
      tokensScored,
      greenTokens,
      greenFraction: greenTokens / tokensScored,
      zScore,
      pValue: 1 - confidence,
      confidence,
      prediction: zScore > zThreshold,
    };
  }
}

function isTokenIds(row: unknown): boolean {
  const isRow = Array.isArray(row) || row instanceof Int32Array || row instanceof Uint32Array;
  return isRow && [...row].every((id) => Number.isSafeInteger(id) && id >= 0);
}

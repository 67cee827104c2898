/** What decides the content of a sequence's blocks: two sequences with the same of all of it share keys and values. */
export interface PrefixSource {
  readonly tokens: readonly number[];
  /** Sequences share blocks only with those of the same salt. */
  readonly salt: string;
  /** Pads that stood in front, for models whose positions count them. */
  readonly padding: number;
  /** What rotary lengths start from, for models whose factors depend on the length. */
  readonly rotaryLength: number;
  readonly rotaryLead: number;
}

/** A start that is in the cache already. */
export interface PrefixHit {
  /** Tokens that need not be computed: at least 1. */
  readonly length: number;
  /** For each state, the blocks that hold these tokens: what `SequenceTable.adopt` takes. */
  readonly blocks: readonly (readonly number[])[];
}

/**
 * Finds blocks that hold the start of a sequence, and remembers those that steps have filled. Integers only: it marks blocks
 * of the pools as cached, and gives them up when a pool asks for one.
 */
export interface PrefixIndex {
  /**
   * The longest start of a sequence that every state can resume from, of at most `most` tokens. Changes nothing: the caller
   * adopts the blocks, or asks again later.
   */
  find(source: PrefixSource, most: number): PrefixHit | undefined;
  /**
   * The first `computed` tokens of a sequence have been through the model. `blocks` are its tables' entries, one list per
   * state; −1 where a block was freed behind a window. Full blocks do not change any more and may be cached.
   */
  remember(source: PrefixSource, computed: number, blocks: readonly Int32Array[]): void;
}

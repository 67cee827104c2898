/** Options of `savePretrained`. */
export interface SavePretrainedOptions {
  /** Bytes of one file of weights at most; larger models go into shards with an index. Default 5 GB, as in transformers. */
  maxShardBytes?: number | undefined;
  /** How much is written. */
  onProgress?: ((done: { writtenBytes: number; totalBytes: number }) => void) | undefined;
  /** Aborting ends the writing, and leaves nothing behind. */
  signal?: AbortSignal | undefined;
}

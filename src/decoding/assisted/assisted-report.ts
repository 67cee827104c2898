/** What drafts of a call came to. */
export interface AssistedReport {
  /** Tokens of drafts that went through the model. */
  drafted: number;
  /** Those that it picked. */
  accepted: number;
}

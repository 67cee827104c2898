/**
 * Names of the platform that public declarations, and those of zod behind them, use. A program may be compiled without the types of Node or of browsers,
 * and with an older `lib`: then these are all there is of them, and otherwise they merge with what is there.
 */
declare global {
  interface AbortSignal {}
  interface URL {}
  interface SymbolConstructor {
    readonly asyncDispose: unique symbol;
  }
}

/** The type of the global `fetch`. */
export type GlobalFetch = typeof globalThis extends { fetch: infer Found } ? Found : never;

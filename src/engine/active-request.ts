import { Gang } from "./gang.ts";
import type { Decoder, FinishReason, Request, RequestHandle, RequestResult } from "./request.ts";
import { EngineSequence } from "./sequence.ts";
import type { ValidRequest } from "./valid-request.ts";

/** A request on its way through the engine: the gang that the scheduler moves, and what its caller is owed. */
export class ActiveRequest extends Gang {
  readonly decoder: Decoder;
  readonly deadline: number | undefined;
  readonly onTokens: Request["onTokens"];
  readonly onWait: Request["onWait"];
  readonly forgetDropped: boolean;
  readonly drafter: Request["drafter"];
  readonly parks: boolean;
  /** Number of the newest question for drafts. Answers to older ones are of no use. */
  question = 0;
  /** `onWait` has been called since the request began to wait. */
  knowsItWaits = false;
  readonly result: Promise<RequestResult>;
  /** Detaches the AbortSignal; called once, when the request ends. */
  detach: () => void = () => {};
  readonly #submitted: number;
  #started: number | undefined;
  #firstToken: number | undefined;
  readonly #promise: PromiseWithResolvers<RequestResult>;

  constructor(id: number, request: ValidRequest, nextSequenceId: () => number, now: number) {
    const { priority, gangSize: size, maxLength, drafter, parks, outputsFrom, salt } = request;
    const sequences = request.sequences.map(
      (input, index) =>
        new EngineSequence({
          ...input,
          id: nextSequenceId(),
          index,
          tokens: [...input.tokens],
          promptLength: input.tokens.length,
          encoderTokens: [...input.encoderTokens],
          outputsFrom,
          salt,
        }),
    );
    if (parks) for (const sequence of sequences) sequence.settled = sequence.tokens.length;
    super({ id, priority, size, maxLength, drafts: drafter !== undefined, sequences });
    this.drafter = drafter;
    this.parks = parks;
    this.decoder = request.decoder;
    this.deadline = request.deadline;
    this.onTokens = request.onTokens;
    this.onWait = request.onWait;
    this.forgetDropped = request.forgetDropped;
    this.#submitted = now;
    this.#promise = withResolvers();
    this.result = this.#promise.promise;
  }

  /** The request is part of a step. */
  start(now: number): void {
    this.#started ??= now;
  }

  /** Ends all live sequences for one reason; the caller then completes the request. */
  finishLive(reason: FinishReason): void {
    for (const sequence of this.live) sequence.finishReason ??= reason;
  }

  /** The one good end. */
  complete(now: number): void {
    this.detach();
    this.#promise.resolve({
      sequences: this.sequences.map(({ tokens, promptLength, finishReason, dropped }) => ({
        tokens,
        promptLength,
        finishReason: finishReason ?? "abort",
        dropped,
      })),
      timings: {
        submitted: this.#submitted,
        started: this.#started ?? now,
        firstToken: this.#firstToken ?? now,
        finished: now,
      },
    });
  }

  /** The one bad end. */
  fail(error: unknown): void {
    this.detach();
    this.#promise.reject(error);
  }

  /** A token was appended. */
  noteToken(now: number): void {
    this.#firstToken ??= now;
  }

  handle({ abort, resume }: Pick<RequestHandle, "abort" | "resume">): RequestHandle {
    return { id: this.id, result: this.result, abort, resume };
  }
}

function withResolvers<T>(): PromiseWithResolvers<T> {
  // Promise.withResolvers needs Node 22.
  let resolve: PromiseWithResolvers<T>["resolve"] = () => {};
  let reject: PromiseWithResolvers<T>["reject"] = () => {};
  const promise = new Promise<T>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  return { promise, resolve, reject };
}

interface PromiseWithResolvers<T> {
  promise: Promise<T>;
  resolve: (value: T | PromiseLike<T>) => void;
  reject: (reason?: unknown) => void;
}

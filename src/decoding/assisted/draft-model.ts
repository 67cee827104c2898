import type { Drafter, EngineInterface, RequestHandle, Sequence } from "../../engine/request.ts";
import { TsumugiError } from "../../errors.ts";
import type { Model } from "../../ops/program.ts";
import { warnOnce } from "../../util/warnings.ts";
import { DraftDecoder, type DraftRow } from "./draft-decoder.ts";
import { type AssistantSchedule, DraftLength } from "./draft-length.ts";

/** A model that drafts for another one, and how. */
export interface DraftModel {
  engine: EngineInterface;
  model: Model;
  numAssistantTokens: number;
  schedule: AssistantSchedule;
  /** 0: none. */
  confidenceThreshold: number;
  /** Told at the end of each row with the heuristic schedule. */
  remember(numAssistantTokens: number): void;
}

/** What the rows of one prompt share. */
export interface DraftPrompt extends Omit<DraftRow, "row" | "confidenceThreshold"> {
  /** What the encoder of an encoder-decoder model reads; undefined: the model has none. */
  encoderTokens: readonly number[] | undefined;
  firstRow: number;
}

/**
 * Drafts of a smaller model, one of its sequences for each row. Between two drafts that sequence is parked with its cache:
 * the next one goes on from what both have in common.
 */
export function draftModelDrafter(assistant: DraftModel, prompt: DraftPrompt): Drafter {
  const rows = new Map<number, AssistantRow>();
  const rowOf = ({ index }: Sequence): AssistantRow => {
    const row = rows.get(index) ?? new AssistantRow(assistant, prompt, index);
    rows.set(index, row);
    return row;
  };
  return {
    draft: (sequence, most) => rowOf(sequence).draft(sequence, most),
    judge: (sequence, drafted, accepted) => rowOf(sequence).length.judge(drafted, accepted),
    end({ index }) {
      const row = rows.get(index);
      row?.end();
      // A row that learned nothing would overwrite what others did.
      if (assistant.schedule === "heuristic" && row?.length.hasLearned) assistant.remember(row.length.tokens);
    },
  };
}

class AssistantRow {
  readonly length: DraftLength;
  readonly #assistant: DraftModel;
  readonly #prompt: DraftPrompt;
  readonly #decoder: DraftDecoder;
  #handle: RequestHandle | undefined;
  #ended = false;
  /** What broke the assistant's request, perhaps while it was parked. */
  #failure: { error: unknown } | undefined;
  /** Its request in the assistant's engine has not parked yet, perhaps because of a draft that nobody waits for any more. */
  #isDrafting = false;
  /** Settles the draft that is being made. It is called in every case. */
  #settle: { resolve(draft: readonly number[]): void; reject(error: unknown): void } | undefined;

  constructor(assistant: DraftModel, prompt: DraftPrompt, copy: number) {
    this.#assistant = assistant;
    this.#prompt = prompt;
    this.length = new DraftLength(assistant.numAssistantTokens, assistant.schedule);
    const { confidenceThreshold } = assistant;
    this.#decoder = new DraftDecoder({ ...prompt, row: prompt.firstRow + copy, confidenceThreshold });
  }

  draft(sequence: Sequence, most: number): readonly number[] | Promise<readonly number[]> {
    const { positionsAreBounded, maxPositions } = this.#assistant.model;
    // The last token of a draft does not go through the assistant.
    const room = positionsAreBounded ? maxPositions + 1 - sequence.tokens.length : most;
    const wanted = Math.min(most, room, this.length.tokens);
    if (this.#failure) throw this.#failure.error;
    if (wanted < 1 || this.#ended || this.#isDrafting) return [];
    if (!this.#knows(sequence.tokens)) return [];
    const tokens = [...sequence.tokens];
    const processors = sequence.processors.fork();
    this.#isDrafting = true;
    // Not before all rows of the step have been asked.
    return Promise.resolve().then(() => this.#make(sequence, tokens, processors, wanted));
  }

  /** False: the assistant has fewer ids than the model, and the row uses one of the rest. */
  #knows(tokens: readonly number[]): boolean {
    const { vocabularySize } = this.#assistant.model;
    if (vocabularySize >= this.#prompt.vocabularySize) return true;
    return [tokens, this.#prompt.encoderTokens ?? []].every((row) => row.every((token) => token < vocabularySize));
  }

  /** Frees what the row holds. */
  end(): void {
    this.#ended = true;
    this.#handle?.abort();
    this.#settle?.resolve([]);
  }

  #make(
    { padding }: Sequence,
    tokens: number[],
    processors: Sequence["processors"],
    wanted: number,
  ): readonly number[] | Promise<readonly number[]> {
    if (this.#ended) return [];
    const made = new Promise<readonly number[]>((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
    this.#decoder.begin(wanted, processors, (draft) => this.#finish(draft));
    try {
      if (this.#handle) {
        this.#handle.resume(tokens);
        return made;
      }
      const { encoderTokens } = this.#prompt;
      const sequences = [{ tokens, padding, encoderTokens }];
      const onWait = () => this.#leave();
      const handle = this.#assistant.engine.submit({ sequences, decoder: this.#decoder, parks: true, onWait });
      this.#handle = handle;
      const stop = (error: unknown) => {
        if (this.#handle === handle) this.#stop(error);
      };
      handle.result.then(
        () => stop(this.#ended ? undefined : new TsumugiError("disposed", { what: "The assistant model" })),
        stop,
      );
    } catch (error) {
      this.#stop(error);
    }
    return made;
  }

  #finish(draft: readonly number[]): void {
    this.#isDrafting = false;
    this.#settle?.resolve(draft);
  }

  /** The assistant has no place for it now: the row goes on alone, and asks anew behind its next token. */
  #leave(): void {
    const handle = this.#handle;
    this.#handle = undefined;
    this.#finish([]);
    handle?.abort();
  }

  /** Its request is over. A row that the assistant has no room for goes on alone. */
  #stop(error: unknown): void {
    this.#ended = true;
    if (TsumugiError.isInstance(error) && (error.code === "cache_full" || error.code === "request_too_large")) {
      warnOnce(`The assistant model has no room for a row, which goes on without it: ${error.message}`);
      this.#settle?.resolve([]);
    } else if (error === undefined) {
      this.#settle?.resolve([]);
    } else {
      this.#failure = { error };
      this.#settle?.reject(error);
    }
  }
}

import { TsumugiError } from "../errors.ts";
import type { Model } from "../ops/program.ts";
import type { Request, SequenceInput } from "./request.ts";
import { noProcessors } from "./sequence.ts";

declare const valid: unique symbol;

type WithDefault = "gangSize" | "parks" | "forgetDropped" | "priority" | "salt";

/** A request that the engine can take: checked against its model, defaults filled in. Only `parseRequest` makes one. */
export interface ValidRequest extends Omit<Request, "sequences" | "adapter" | WithDefault>, RequestDefaults {
  readonly sequences: readonly Required<SequenceInput>[];
  readonly [valid]: true;
}

type RequestDefaults = Required<Pick<Request, WithDefault>>;

/**
 * Checks a request, once and for all.
 *
 * @throws `invalid_input` for what contradicts itself or the model, `request_too_large` for more positions than the model has,
 *   `unsupported_option` for an adapter
 */
export function parseRequest(request: Request, model: Model): ValidRequest {
  const { sequences, gangSize = sequences.length, parks = false, forgetDropped = false } = request;
  const { priority = 0, salt = "", adapter = -1, ...rest } = request;
  if (sequences.length === 0) refuse("`sequences` of a request", "a list of at least one", "none");
  if (adapter !== -1)
    throw new TsumugiError("unsupported_option", { option: "adapter", reason: "adapters cannot be loaded yet" });
  for (const sequence of sequences) checkSequence(sequence, model);
  checkSettings({ ...request, gangSize, priority }, sequences.length);
  const parsed = sequences.map(
    ({ tokens, padding = 0, rotaryLead = 0, processors = noProcessors, encoderTokens = [] }): Required<SequenceInput> => ({
      tokens,
      padding,
      rotaryLead,
      processors,
      encoderTokens,
    }),
  );
  const checked: Omit<ValidRequest, typeof valid> = {
    ...rest,
    sequences: parsed,
    gangSize,
    parks,
    forgetDropped,
    priority,
    salt,
  };
  return checked as ValidRequest;
}

function checkSequence({ tokens, padding = 0, rotaryLead = 0, encoderTokens = [] }: SequenceInput, model: Model): void {
  const { vocabularySize, maxPositions, positionsAreBounded } = model;
  const encodes = model.programs.encode !== undefined;
  if (tokens.length === 0) refuse("A sequence", "a list of at least one token", "none");
  if (encodes !== encoderTokens.length > 0) {
    const expected = encodes ? "a list of at least one token" : "absent: the model has no encoder";
    refuse("`encoderTokens` of a sequence", expected, encodes ? "none" : `${encoderTokens.length} tokens`);
  }
  for (const list of [tokens, encoderTokens]) {
    const bad = list.find((token) => !(Number.isInteger(token) && token >= 0 && token < vocabularySize));
    if (bad !== undefined) refuse("A token id", `an integer from 0 to ${vocabularySize - 1}`, bad);
  }
  const given = Math.max(tokens.length, encoderTokens.length);
  if (positionsAreBounded && given > maxPositions) {
    const hint = "The model has no positions beyond.";
    throw new TsumugiError("request_too_large", { given, what: "positions", limit: maxPositions, hint });
  }
  if (!isCount(padding)) refuse("`padding`", "an integer of at least 0", padding);
  if (!isCount(rotaryLead)) refuse("`rotaryLead`", "an integer of at least 0", rotaryLead);
}

function checkSettings(request: Request & { gangSize: number; priority: number }, sequences: number): void {
  const { gangSize, maxLength, deadline, priority, outputsFrom, decoder, parks } = request;
  if (!(Number.isInteger(gangSize) && gangSize >= sequences)) {
    refuse("`gangSize`", `an integer of at least ${sequences}, the number of sequences`, gangSize);
  }
  if (maxLength !== undefined && !(maxLength > 0)) refuse("`maxLength`", "a positive number", maxLength);
  if (deadline !== undefined && Number.isNaN(deadline)) refuse("`deadline`", "a number of milliseconds", deadline);
  if (!Number.isFinite(priority)) refuse("`priority`", "a finite number", priority);
  if (outputsFrom === undefined) return;
  if (!isCount(outputsFrom)) refuse("`outputsFrom`", "an integer of at least 0", outputsFrom);
  if (!decoder.promptGroups || !decoder.promptPicks) {
    refuse("`outputsFrom`", "absent: the decoder has no `promptGroups` and `promptPicks`", outputsFrom);
  }
  if (parks) refuse("`outputsFrom`", "absent in a request that `parks`", outputsFrom);
}

function isCount(value: number): boolean {
  return Number.isInteger(value) && value >= 0;
}

function refuse(what: string, expected: string, given: unknown): never {
  throw new TsumugiError("invalid_input", { what, expected, given });
}

import type { CallSettings } from "../decoding/resolve-settings.ts";
import type { StepOutputs } from "../decoding/step-outputs.ts";
import { TsumugiError } from "../errors.ts";
import type { Model } from "../ops/program.ts";
import { attentionsOf, crossAttentionsOf, encoderAttentionsOf } from "./attentions.ts";
import { fillRows, fillTo } from "./fill-rows.ts";
import { type GenerateCall, readCall, settingsOf } from "./generate-call.ts";
import type { GenerateContext } from "./generate-context.ts";
import type { GenerateOptions, GenerateResult } from "./generate-options.ts";
import type { GeneratedRow } from "./generated-row.ts";
import { encoderHiddenStatesOf, hiddenStatesOf } from "./hidden-states.ts";
import { readPrompts } from "./inputs.ts";
import type { PromptRow } from "./prompt-row.ts";
import { type BatchPads, promptsOfRows } from "./ragged-rows.ts";
import { runCall } from "./run-call.ts";
import { StateRecorder, type WantedStates } from "./state-recorder.ts";
import { StepRecorder } from "./step-recorder.ts";
import { guardStreamer } from "./streamer-guard.ts";
import { wantedStates } from "./wanted-states.ts";

/** `model.generate`: see `CausalLM.generate`. */
export async function generate(context: GenerateContext, options: GenerateOptions): Promise<GenerateResult> {
  const streamer = guardStreamer(options.streamer);
  try {
    const decided = settingsOf(context, options);
    const recorders = createRecorders(context.model, decided);
    const prompts = readPrompts(context.model, options, decided.settings);
    const call = readCall(context, { ...options, streamer }, decided, prompts);
    const rows = await completeRows(context, call, recorders.outputs);
    await streamer?.end();
    return resultOf(context.model, call, rows, recorders);
  } catch (error) {
    streamer?.fail(error);
    throw error;
  }
}

/**
 * `generate` for rows of token ids that are not padded, before its result is shaped: rows of their own lengths.
 *
 * @param pads what processors see in a batch of several rows
 * @throws what `generate` throws
 */
export async function generateRows(
  context: GenerateContext,
  options: GenerateOptions,
  decided: CallSettings,
  ids: readonly (readonly number[])[],
  pads?: BatchPads,
): Promise<GeneratedRow[]> {
  const streamer = guardStreamer(options.streamer);
  try {
    const prompts = promptsOfRows(ids, pads, context.model, decided.settings);
    const rows = await completeRows(context, readCall(context, { ...options, streamer }, decided, prompts));
    await streamer?.end();
    return rows;
  } catch (error) {
    streamer?.fail(error);
    throw error;
  }
}

/** The rows of a call that nobody aborts. */
async function completeRows(context: GenerateContext, call: GenerateCall, outputs?: StepOutputs): Promise<GeneratedRow[]> {
  const rows = await runCall(context, call, outputs);
  if (!rows.some((row) => row.finishReason === "abort")) return rows;
  const sequences = rows.map(({ prompt, newTokens }) => [...prompt.padded, ...newTokens]);
  throw new TsumugiError("aborted", { sequences }, { cause: call.signal?.reason });
}

/** What collects the outputs of every step that a call asks for. */
interface Recorders {
  logits: StepRecorder | undefined;
  scores: StepRecorder | undefined;
  wanted: WantedStates | undefined;
  states: StateRecorder | undefined;
  outputs: StepOutputs;
}

function createRecorders(model: Model, { settings, named }: CallSettings): Recorders {
  const logits = settings.outputLogits ? new StepRecorder() : undefined;
  const scores = settings.outputScores ? new StepRecorder() : undefined;
  const wanted = wantedStates(model, { settings, named });
  const states = wanted && new StateRecorder(wanted);
  return { logits, scores, wanted, states, outputs: { onLogits: logits?.listener, onScores: scores?.listener, states } };
}

/** Rows of different lengths become tables: sequences with pads, and what was recorded of every step. */
function resultOf(
  model: Model,
  { settings, prompts, assistance }: GenerateCall,
  rows: readonly GeneratedRow[],
  { logits, scores, wanted, states }: Recorders,
): GenerateResult {
  const filled = fillRows(rows, settings);
  const result: GenerateResult = {
    sequences: rows.map(({ prompt }, row) => [...prompt.padded, ...filled[row]!]),
    finishReasons: rows.map((row) => row.finishReason),
  };
  if (assistance) result.assisted = assistance.report;
  const width = prompts.length * (settings.numBeams > 1 ? settings.numBeams : settings.numReturnSequences);
  if (logits) result.logits = logits.table(width);
  if (scores) result.scores = scores.table(width);
  if (wanted && states) Object.assign(result, statesOf(model, wanted, states, prompts, width));
  if (settings.numBeams > 1) {
    result.sequencesScores = rows.map(({ score = 0 }) => score);
    result.beamIndices = rows.map(({ beamIndices = [] }, row) => fillTo(filled[row]!.length, beamIndices, -1));
  }
  return result;
}

/** Hidden states and attentions as `generate` gives them; `width`: rows of all prompts, beams where there are beams. */
function statesOf(
  model: Model,
  { hidden, attentions }: WantedStates,
  states: StateRecorder,
  prompts: readonly PromptRow[],
  width: number,
): Partial<GenerateResult> {
  const all = { prompts, rowsPerPrompt: width / prompts.length };
  const { hiddenSize } = model;
  const decoderStates = hidden && hiddenStatesOf(states, hidden.decoder, all, hiddenSize);
  const decoderAttentions = attentions && attentionsOf(states, attentions.decoder, all);
  if (!model.programs.encode) return { hiddenStates: decoderStates, attentions: decoderAttentions };
  return {
    encoderHiddenStates: hidden && encoderHiddenStatesOf(states, hidden.encoder!, prompts, hiddenSize),
    decoderHiddenStates: decoderStates,
    encoderAttentions: attentions && encoderAttentionsOf(states, attentions.encoder, prompts),
    decoderAttentions,
    crossAttentions: attentions && crossAttentionsOf(states, attentions.cross, all),
  };
}

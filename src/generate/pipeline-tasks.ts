import type { CausalLM } from "./causal-lm.ts";
import type { TextGenerationPipelineOptions } from "./pipeline-options.ts";
import type { Seq2SeqLM } from "./seq2seq-lm.ts";
import type { TextGenerationPipeline } from "./text-generation-pipeline.ts";
import type { TextModel } from "./text-model.ts";
import type { TextModelPipeline, TextModelPipelineOptions } from "./text-model-pipeline.ts";
import type { Text2TextPipeline, Text2TextPipelineOptions } from "./text2text-pipeline.ts";

/** What the model of each task may be: a Hub id or folder, or a loaded model. */
export interface PipelineModels {
  "text-generation": string | CausalLM | TextModel;
  "text2text-generation": string | Seq2SeqLM;
}

export type PipelineTask = keyof PipelineModels;

/** Options of `pipeline` for a task and a model. */
export type PipelineOptions<Task extends PipelineTask, Model> = { model: Model } & (Task extends "text2text-generation"
  ? Text2TextPipelineOptions
  : Model extends string | CausalLM
    ? TextGenerationPipelineOptions
    : TextModelPipelineOptions);

/** The pipeline for a task and a model. */
export type PipelineFor<Task extends PipelineTask, Model> = Task extends "text2text-generation"
  ? Text2TextPipeline
  : Model extends string | CausalLM
    ? TextGenerationPipeline
    : TextModelPipeline;

import { describe, expectTypeOf, test } from "vitest";
import { fewShotMessages, instructionTemplate, withPersona } from "../chat/index.ts";
import type { ChatMessage, TextMessage } from "../tokenizer/index.ts";
import type { CausalLM } from "./causal-lm.ts";
import type { pipeline } from "./pipeline.ts";
import type { Answers, PipelineInput } from "./pipeline-answers.ts";
import type { TextGenerationOptions, TextOutput, TokenOutput } from "./pipeline-options.ts";
import type { TextGenerationPipeline } from "./text-generation-pipeline.ts";
import type { TextModel } from "./text-model.ts";
import type { TextModelPipeline } from "./text-model-pipeline.ts";
import type { Text2TextPipeline } from "./text2text-pipeline.ts";

/** The compiler reads what stands in here; nothing runs. */
const compiled = (..._calls: (() => unknown)[]): void => {};

declare const make: typeof pipeline;
declare const pipe: TextGenerationPipeline;
declare const local: CausalLM;
declare const remote: TextModel;

/** A message as a program of one's own may have it. */
interface OwnMessage {
  readonly role: "user" | "assistant";
  readonly content: string;
  readonly id: number;
}
declare const own: readonly OwnMessage[];

describe("the types of pipeline()", () => {
  test("follow task and model", () => {
    compiled(async () => {
      expectTypeOf(await make("text-generation", { model: local })).toEqualTypeOf<TextGenerationPipeline>();
      expectTypeOf(await make("text-generation", { model: remote, maxNewTokens: 3 })).toEqualTypeOf<TextModelPipeline>();
      expectTypeOf(await make("text2text-generation", { model: "t5", numBeams: 2 })).toEqualTypeOf<Text2TextPipeline>();
    });
  });

  test("refuse a wrong option where it stands", () => {
    compiled(
      // @ts-expect-error: maxNewToken
      () => make("text-generation", { model: "m", maxNewToken: 5 }),
      // @ts-expect-error: dtype
      () => make("text-generation", { model: "m", dtype: "fp16" }),
      // @ts-expect-error: maxNewTokens
      () => make("text-generation", { model: "m", maxNewTokens: "5" }),
      // @ts-expect-error: returnFullText
      () => make("text2text-generation", { model: "m", returnFullText: true }),
      // @ts-expect-error: dtype
      () => make("text-generation", { model: remote, dtype: "float32" }),
      // @ts-expect-error: model
      () => make("text-generation", { dtype: "float32" }),
      // @ts-expect-error: the task
      () => make("fill-mask", { model: "m" }),
      // @ts-expect-error: maxNewToken
      () => pipe("text", { maxNewToken: 5 }),
      // @ts-expect-error: temprature
      () => pipe(own, { temprature: 1 }),
      // @ts-expect-error: batchSize
      () => pipe(["a", "b"], { batchSize: "2" }),
      // @ts-expect-error: the input
      () => pipe(42),
    );
  });
});

describe("the types of answers", () => {
  test("are text for a text, and rows for a list", () => {
    compiled(async () => {
      expectTypeOf(await pipe("text")).toEqualTypeOf<Answers<TextOutput>>();
      expectTypeOf(await pipe(["text"])).toEqualTypeOf<Answers<TextOutput>[]>();
      expectTypeOf(await pipe("text", { returnTensors: true })).toEqualTypeOf<Answers<TokenOutput>>();
      expectTypeOf(await pipe("text" as string | string[])).toEqualTypeOf<Answers<TextOutput> | Answers<TextOutput>[]>();
      await pipe("text" as PipelineInput, {} as TextGenerationOptions);
    });
  });

  test("end in a message whose content is text", () => {
    compiled(async () => {
      const [chat] = await pipe([{ role: "user", content: "text" }]);
      expectTypeOf(chat.generatedText.at(-1)).toEqualTypeOf<TextMessage>();
      expectTypeOf(chat.generatedText.map(({ content }) => content)).toEqualTypeOf<string[]>();
      const [parts] = await pipe([] as ChatMessage[]);
      expectTypeOf(parts.generatedText.at(-1).content).toEqualTypeOf<string>();
      const [mine] = await pipe(own);
      expectTypeOf(mine.generatedText[0]!.content).toEqualTypeOf<string>();
      await pipe([...mine.generatedText, { role: "user", content: "more" }]);
      expectTypeOf(await pipe(own, { returnFullText: false })).toEqualTypeOf<Answers<TextOutput>>();
      expectTypeOf((await pipe([own, own]))[0]![0].generatedText.at(-1).content).toEqualTypeOf<string>();
    });
  });

  test("of builders are messages with text, beside one's own", () => {
    compiled(async () => {
      const shots = fewShotMessages(instructionTemplate("Say {word}"), [], { word: "hot" });
      expectTypeOf(shots[0]!.content).toEqualTypeOf<string>();
      expectTypeOf(withPersona({ description: "a cat" }, own)).toEqualTypeOf<(OwnMessage | TextMessage)[]>();
      await pipe(withPersona({ description: "a cat" }, [{ role: "developer", content: "x" }] as const));
    });
  });
});

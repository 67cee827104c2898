import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { instructionTemplate } from "../chat/index.ts";
import { resolveModel } from "../hub/index.ts";
import { AutoModelForCausalLM } from "./auto-model.ts";
import type { CausalLM } from "./causal-lm.ts";
import { fromPretrainedNames } from "./load-options.ts";
import { optionDefinitions } from "./option-definitions.ts";
import { pipeline } from "./pipeline.ts";
import { ownNames } from "./pipeline-options.ts";
import { promptOptionNames } from "./prompt-options.ts";

/** Options of these names, all `undefined`. */
const unset = (names: readonly string[]): object => Object.fromEntries(names.map((name) => [name, undefined]));
const callNames = optionDefinitions.map(({ name }) => name);
const tokenizer = join(import.meta.dirname, "../../test/fixtures/tokenizers/byte-level");
const short = { maxNewTokens: 3, doSample: false };
let model: CausalLM;

beforeAll(async () => {
  const folder = join(import.meta.dirname, "../../test/fixtures/models/llama");
  model = await AutoModelForCausalLM.fromPretrained(folder, { ...unset(fromPretrainedNames), device: "reference" });
});
afterAll(() => model.dispose());

test("undefined is as if the option were not there, in calls", async () => {
  const inputIds = [[5, 6, 7]];
  const { sequences } = await model.generate({ inputIds, ...short });
  expect((await model.generate({ ...unset(callNames), inputIds, ...short })).sequences).toEqual(sequences);
  const generationConfig = unset(callNames.filter((name) => name.includes("Penalty") || name.startsWith("num")));
  expect((await model.generate({ inputIds, generationConfig, ...short })).sequences).toEqual(sequences);
  const xtc = { probability: 0, threshold: undefined, nothing: undefined } as object;
  expect((await model.generate({ inputIds, ...short, xtc })).sequences).toEqual(sequences);
});

test("undefined is as if the option were not there, in pipelines and streams", async () => {
  const names = [...callNames, ...ownNames];
  const loading = fromPretrainedNames.filter((name) => name !== "device");
  const pipe = await pipeline("text-generation", { ...unset([...names, ...loading]), model, tokenizer });
  const [expected] = await pipe("QXZ", short);
  expect(await pipe("QXZ", { ...unset([...names, "noSuchOption"]), ...short })).toEqual([expected]);
  const options = { ...unset([...callNames, ...promptOptionNames]), tokenizer: pipe.tokenizer, ...short };
  const { text } = await model.generate("QXZ", { ...options });
  expect(`QXZ${text}`).toBe(expected.generatedText);
});

test("undefined is as if the field were not there, in templates and at the Hub", async () => {
  const pipe = await pipeline("text-generation", { model, tokenizer });
  pipe.tokenizer.chatTemplate = "{{ flag is defined }} {{ messages[0].name is defined }} {{ messages[0].content }}";
  const chat = [{ role: "user", content: "Q", name: undefined }];
  const rendered = pipe.tokenizer.applyChatTemplate(chat, { tokenize: false, chatTemplateKwargs: { flag: undefined } });
  expect(rendered).toBe("False False Q");
  const say = instructionTemplate("Say {word}") as (fields: object) => string;
  expect(say({ word: "hot", tone: undefined })).toBe("Say hot");
  expect(() => say({ word: undefined })).toThrow("`word`");
  const hub = unset(["revision", "cacheDir", "token", "localFilesOnly", "endpoint", "signal", "fetch", "files", "onProgress"]);
  const found = await resolveModel("tsumugi-mini", { ...hub, retry: { attempts: undefined } });
  expect(found.directory).toContain("tsumugi-mini");
});

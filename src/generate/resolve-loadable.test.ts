import { describe, expect, it } from "vitest";
import { bytes, commit, text, useFakeHub } from "../../test/helpers/hub-fixtures.ts";
import { AutoModelForCausalLM } from "./auto-model.ts";
import { resolveLoadable } from "./resolve-loadable.ts";

const use = useFakeHub();
/** What llama and t5 read of a config.json. */
const sizes = { vocab_size: 32, hidden_size: 8, intermediate_size: 16, num_hidden_layers: 1, num_attention_heads: 2 };
const encoder = { d_model: 8, d_ff: 16, d_kv: 4, num_heads: 2, num_layers: 1 };
const weights = { content: bytes(5000), lfs: true };

describe("a model that cannot be loaded", () => {
  it.each<[string, Record<string, unknown>, string]>([
    ["by its type", { model_type: "whisper" }, "model_unsupported"],
    [
      "by how it is quantised",
      { ...sizes, model_type: "llama", quantization_config: { quant_method: "unheard" } },
      "config_unsupported",
    ],
    ["by its class", { ...sizes, ...encoder, model_type: "t5" }, "model_class"],
  ])("%s is refused before its weights are downloaded", async (_, config, code) => {
    const map = { weight_map: { a: "model-00001-of-00001.safetensors" } };
    const files = { "model.safetensors.index.json": text(map), "model-00001-of-00001.safetensors": weights };
    use.hub.repositories.set("org/one", { commit, files: { "config.json": text(config), "model.safetensors": weights } });
    use.hub.repositories.set("org/many", { commit, files: { "config.json": text(config), ...files } });
    const options = { endpoint: use.hub.endpoint, cacheDir: use.cache };
    for (const id of ["org/one", "org/many"]) {
      await expect(AutoModelForCausalLM.fromPretrained(id, { ...options, device: "reference" })).rejects.toMatchObject({
        code,
      });
      await expect(resolveLoadable(id, options, "AutoModelForCausalLM")).rejects.toMatchObject({ code });
    }
    expect(use.hub.seen.filter(({ path }) => path.includes("safetensors"))).toEqual([]);
  });

  it("by its files is refused before anything is downloaded", async () => {
    const files = {
      "config.json": text({ model_type: "llama" }),
      "model.fp16.safetensors": weights,
      "consolidated.safetensors": weights,
    };
    use.hub.repositories.set("org/variant", { commit, files });
    const options = { endpoint: use.hub.endpoint, cacheDir: use.cache };
    await expect(resolveLoadable("org/variant", options)).rejects.toMatchObject({
      code: "safetensors_required",
      message: expect.stringMatching(/model\.fp16\.safetensors.*variant/),
    });
    expect(use.hub.seen.filter(({ path }) => path.includes("/resolve/"))).toEqual([]);
  });
});

it("resolveLoadable downloads what loads", async () => {
  const files = { "config.json": text({ ...sizes, model_type: "llama" }), "model.safetensors": weights };
  use.hub.repositories.set("org/one", { commit, files });
  const model = await resolveLoadable("org/one", { endpoint: use.hub.endpoint, cacheDir: use.cache }, "AutoModelForCausalLM");
  expect(await model.list()).toEqual(["config.json", "model.safetensors"]);
});

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { tinyRepository, useFakeHub } from "../../test/helpers/hub-fixtures.ts";
import { type ResolveOptions, resolveModel } from "./index.ts";

const use = useFakeHub();
const load = (id: string, options: ResolveOptions = {}) => resolveModel(id, { cacheDir: use.cache, ...options });

describe("a name that is a slip of the model's in the box", () => {
  it.each([
    "tsumugi-mni",
    "tsumugi_mini",
    "Tsumugi-Mini",
    "tsumugimini",
    "tsumugi-mini2",
    "tsumugi mini",
    "./tsumugi-mini",
    "/none/tsumugi-mini",
  ])("%s is told at once, without the network", async (given) => {
    const fetch = vi.fn();
    await expect(load(given, { fetch, endpoint: "https://huggingface.co" })).rejects.toMatchObject({
      code: "model_not_found",
      message: expect.stringContaining(given.includes("/") ? "no such folder" : "Did you mean `tsumugi-mini`"),
    });
    expect(fetch).not.toHaveBeenCalled();
  });

  it("is asked for at a Hub of one's own", async () => {
    use.hub.repositories.set("tsumugi-mine", tinyRepository());
    expect(await load("tsumugi-mine", { endpoint: use.hub.endpoint })).toMatchObject({ id: "tsumugi-mine" });
    expect(await load("tsumugi-mine", { localFilesOnly: true })).toMatchObject({ id: "tsumugi-mine" });
    await expect(load("tsumugi-mina", { endpoint: use.hub.endpoint })).rejects.toThrow(/Did you mean `tsumugi-mini`/);
    await expect(load("tsumugi-mina", { localFilesOnly: true })).rejects.toThrow(/Did you mean `tsumugi-mini`/);
  });

  it("is another name where it is further off, or has an organisation", async () => {
    for (const id of ["tsumugi", "org/tsumugi-mni"]) {
      await expect(load(id, { endpoint: use.hub.endpoint })).rejects.toMatchObject({ code: "hub_repository_not_found" });
    }
  });
});

describe("the address of a model's page", () => {
  it.each(["https://huggingface.co/org/name", "https://huggingface.co/org/name/tree/main?x=1"])(
    "%s is told by its id",
    async (given) => {
      await expect(load(given)).rejects.toThrow(/the address of a web page, whose model has the id `org\/name`/);
    },
  );
});

describe("a folder that is not there", () => {
  it("is told with what is there", async () => {
    const parent = join(use.cache, "models");
    await expect(load(join(parent, "tiny"))).rejects.toThrow(`no such folder, nor a folder ${parent}`);
    mkdirSync(parent);
    writeFileSync(join(parent, "notes.txt"), "");
    await expect(load(join(parent, "tiny"))).rejects.toThrow(`${parent} has no folders`);
    for (const name of ["llama-tiny", "qwen", "a", "b", "c", "d"]) mkdirSync(join(parent, name));
    await expect(load(join(parent, "lama-tiny"))).rejects.toThrow(`${parent} has \`llama-tiny\``);
    await expect(load(join(parent, "other-name"))).rejects.toThrow("has the folders a, b, c, d, llama-tiny and 1 more");
  });
});

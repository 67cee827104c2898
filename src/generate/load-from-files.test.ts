import { readdirSync, readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { fetchFiles } from "../hub/fetch-files.ts";
import { filesInMemory } from "../hub/memory-files.ts";
import { AutoModelForCausalLM } from "./auto-model.ts";
import { loadFromFiles } from "./load-from-files.ts";
import { Seq2SeqLM } from "./seq2seq-lm.ts";

const fixtures = join(import.meta.dirname, "../../test/fixtures");
const call = { inputIds: [[5, 6, 7]], maxNewTokens: 6, doSample: false };

/** Files of a folder, by name. */
function read(folder: string): { [name: string]: Uint8Array } {
  const directory = join(fixtures, folder);
  const names = readdirSync(directory).filter((name) => /\.(json|safetensors|model)$/.test(name));
  // in one buffer that begins at an odd place, as an archive would have them
  return Object.fromEntries(
    names.map((name) => {
      const content = readFileSync(join(directory, name));
      const bytes = new Uint8Array(content.length + 1);
      bytes.set(content, 1);
      return [name, bytes.subarray(1)];
    }),
  );
}

async function expected(folder: string): Promise<number[][]> {
  const model = await AutoModelForCausalLM.fromPretrained(join(fixtures, folder), { device: "reference" });
  const { sequences } = await model.generate(call);
  await model.dispose();
  return sequences;
}

describe("bytes in memory", () => {
  test("load a model that gives the tokens of its folder", async () => {
    const model = await loadFromFiles(filesInMemory(read("models/llama")));
    expect((await model.generate(call)).sequences).toEqual(await expected("models/llama"));
    expect(model.device).toBe("reference");
    await model.dispose();
  });

  test("load shards by their index, and name the shard that is missing", async () => {
    const files = read("models/llama");
    const { "model.safetensors": whole, ...others } = files;
    const length = 8 + Number(new DataView(whole!.buffer, whole!.byteOffset).getBigUint64(0, true));
    const names = Object.keys(JSON.parse(new TextDecoder().decode(whole!.subarray(8, length))));
    const map = Object.fromEntries(names.filter((name) => name !== "__metadata__").map((name) => [name, "a.safetensors"]));
    const index = new TextEncoder().encode(JSON.stringify({ weight_map: map }));
    const sharded = { ...others, "model.safetensors.index.json": index };
    const model = await loadFromFiles(filesInMemory({ ...sharded, "a.safetensors": whole!.slice().buffer }));
    expect((await model.generate(call)).sequences).toEqual(await expected("models/llama"));
    await model.dispose();
    await expect(loadFromFiles(filesInMemory(sharded))).rejects.toThrow("a.safetensors is not there");
    await expect(loadFromFiles(filesInMemory(others))).rejects.toMatchObject({ code: "checkpoint_missing" });
  });

  test("load an encoder-decoder model as one", async () => {
    const model = await loadFromFiles(filesInMemory(read("encoder-decoder/t5")));
    expect(model).toBeInstanceOf(Seq2SeqLM);
    await model.dispose();
  });

  test("that are no bytes, and options that say nothing here, are refused", async () => {
    expect(() => filesInMemory({ "config.json": "{}" as never })).toThrow("The file config.json must be a Uint8Array");
    await expect(loadFromFiles(filesInMemory({}))).rejects.toMatchObject({ code: "model_incomplete" });
    await expect(loadFromFiles(filesInMemory({}), { threads: 2 } as object)).rejects.toThrow("Unknown option `threads`");
    await expect(loadFromFiles(filesInMemory({}), { maxNewTokens: 2 } as object)).rejects.toThrow("an option of calls");
  });
});

describe("files of a web server", () => {
  let server: Server;
  let address: string;
  let files: { [name: string]: Uint8Array };
  /** What it answers where it has no file. */
  let otherwise: { status: number; type: string };
  let asked: string[];
  beforeEach(async () => {
    [files, otherwise, asked] = [{}, { status: 404, type: "text/plain" }, []];
    server = createServer((request, response) => {
      const name = request.url!.replace("/models/mini/", "");
      asked.push(`${request.method} ${name} ${request.headers.authorization ?? ""}`.trim());
      const found = files[name];
      if (found) response.writeHead(200, { "content-type": "application/octet-stream" }).end(found);
      else response.writeHead(otherwise.status, { "content-type": otherwise.type }).end("<!doctype html>");
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/models/mini/`;
  });
  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });

  test("load a model that gives the tokens of its folder, with the headers that are named", async () => {
    files = read("models/llama");
    const model = await loadFromFiles(fetchFiles(address, { headers: { authorization: "Bearer x" } }));
    expect((await model.generate(call)).sequences).toEqual(await expected("models/llama"));
    await model.dispose();
    expect(asked).toContain("GET model.safetensors Bearer x");
  });

  test("a page in place of a file is a file that is missing", async () => {
    otherwise = { status: 200, type: "text/html; charset=utf-8" };
    const from = fetchFiles(address);
    expect(await from.readJson("config.json")).toBeUndefined();
    files = { "tokenizer.model": new Uint8Array([1]) };
    expect(await from.list()).toEqual(["tokenizer.model"]);
  });

  test("a server that refuses or is not there is named with the reason", async () => {
    otherwise = { status: 403, type: "text/plain" };
    const refused = loadFromFiles(fetchFiles(address));
    await expect(refused).rejects.toThrow(`Cannot read ${address}config.json: the server answered 403.`);
    const gone = fetchFiles(address, { fetch: () => Promise.reject(new TypeError("no network")) });
    await expect(loadFromFiles(gone)).rejects.toThrow("config.json: no network.");
  });

  test("aborting ends the loading", async () => {
    const aborted = loadFromFiles(fetchFiles(address, { signal: AbortSignal.abort() }));
    await expect(aborted).rejects.toMatchObject({ code: "aborted" });
  });
});

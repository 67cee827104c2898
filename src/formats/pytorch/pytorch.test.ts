import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { toFloat32 } from "../../tensor/convert.ts";
import { openPytorch } from "../file-pytorch.ts";

const fixture = (name: string) => join(import.meta.dirname, "../../../test/fixtures/pytorch", name);

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "tsumugi-pytorch-"));
});
afterAll(() => rm(folder, { recursive: true }));

describe.each(["state.bin", "old.bin"])("%s of torch.save", (name) => {
  it("gives views of storages as tensors, and tells which are the same", async () => {
    const checkpoint = await openPytorch([fixture(name)]);
    const shapes = Object.fromEntries(checkpoint.tensors().map((tensor) => [tensor.name, [tensor.dtype, tensor.shape]]));
    expect(shapes).toEqual({
      "turned.weight": ["float32", [3, 2]],
      "model.embed_tokens.weight": ["bfloat16", [2, 2]],
      "lm_head.weight": ["bfloat16", [2, 2]],
      count: ["int64", []],
    });
    expect([...toFloat32(await checkpoint.read("turned.weight"), "float32")]).toEqual([6, 12, 8, 14, 10, 16]);
    expect([...toFloat32(await checkpoint.read("lm_head.weight"), "bfloat16")]).toEqual([1, -2, 0.5, 3]);
    expect((await checkpoint.read("count"))[0]).toBe(7);
    expect([...checkpoint.sameAs]).toEqual([["lm_head.weight", "model.embed_tokens.weight"]]);
    await checkpoint.close();
  });

  it("is refused, and ends, wherever it is cut off or damaged", async () => {
    const bytes = await readFile(fixture(name));
    const file = join(folder, "broken.bin");
    for (let index = 0; index < 60; index += 1) {
      const at = Math.floor((bytes.length * index) / 60);
      await writeFile(file, bytes.subarray(0, at));
      await expect(openPytorch([file])).rejects.toMatchObject({ name: "TsumugiError" });
      const changed = Buffer.from(bytes);
      changed[at] = changed[at]! ^ 0x55;
      await writeFile(file, changed);
      const opened = await openPytorch([file]).catch((error: unknown) => error);
      if (opened instanceof Error) expect(opened).toMatchObject({ name: "TsumugiError" });
      else await (opened as Awaited<ReturnType<typeof openPytorch>>).close();
    }
  });
});

it("a pickle that names anything else is refused by that name, and nothing is run", async () => {
  await expect(openPytorch([fixture("hostile.bin")])).rejects.toMatchObject({
    code: "pickle_refused",
    message: expect.stringContaining("`posix.system`"),
  });
});

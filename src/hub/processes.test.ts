import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { bundleHub } from "../../test/helpers/bundle-hub.ts";
import { sha256 } from "../../test/helpers/fake-hub.ts";
import { blobs, until, useFakeHub, weights } from "../../test/helpers/hub-fixtures.ts";
import { resolveModel } from "./index.ts";

const use = useFakeHub();
const file = "model.safetensors";
let script = "";

beforeAll(async () => {
  const bundle = await bundleHub();
  script = join(dirname(bundle), "load.mjs");
  writeFileSync(
    script,
    `import { resolveModel } from ${JSON.stringify(bundle)};
const model = await resolveModel("org/tiny");
console.log(JSON.stringify(await model.list()));`,
  );
});

type Child = { process: ChildProcess; output: () => string; exit: Promise<unknown[]> };

function start(): Child {
  const env = { ...process.env, HF_ENDPOINT: use.hub.endpoint, HF_HUB_CACHE: use.cache };
  const child = spawn(process.execPath, [script], { env, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (data) => (output += data));
  return { process: child, output: () => output, exit: once(child, "exit") };
}

describe("several processes", () => {
  it("leave no half file when they are killed, and the next one goes on where they stopped", async () => {
    use.hub.pieceDelayMs = 60;
    const child = start();
    const incomplete = `${sha256(weights)}.incomplete`;
    await until(() => blobs(use.cache).includes(incomplete) && size(incomplete) > 30_000);
    child.process.kill("SIGKILL");
    await child.exit;
    const kept = size(incomplete);
    expect(kept).toBeLessThan(weights.length);
    expect(blobs(use.cache)).not.toContain(sha256(weights));
    const offline = { cacheDir: use.cache, localFilesOnly: true };
    await expect(resolveModel("org/tiny", offline)).rejects.toMatchObject({ code: "hub_not_cached" });

    use.hub.pieceDelayMs = 0;
    use.hub.seen.length = 0;
    const next = start();
    expect(await next.exit, next.output()).toEqual([0, null]);
    expect(use.hub.contentRequests(file).map(({ range }) => range)).toEqual([`bytes=${kept}-`]);
    expect(readFileSync(join(use.cache, "models--org--tiny/blobs", sha256(weights))).equals(weights)).toBe(true);
    expect(blobs(use.cache).filter((name) => name.endsWith(".incomplete"))).toEqual([]);
  });

  it("download each file once when they load a model together", async () => {
    use.hub.pieceDelayMs = 20;
    const children = [start(), start(), start()];
    for (const child of children) expect(await child.exit, child.output()).toEqual([0, null]);
    expect(use.hub.contentRequests(file).length).toBe(1);
    expect(use.hub.contentRequests("config.json").length).toBe(1);
    expect(new Set(children.map((child) => child.output())).size).toBe(1);
  });
});

function size(name: string): number {
  return readFileSync(join(use.cache, "models--org--tiny/blobs", name)).length;
}

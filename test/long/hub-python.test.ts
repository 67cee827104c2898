import { execFile, execFileSync } from "node:child_process";
import { realpathSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { resolveModel } from "../../src/hub/index.ts";
import { sha256 } from "../helpers/fake-hub.ts";
import { commit, useFakeHub, weights } from "../helpers/hub-fixtures.ts";
import { cacheTree, type PythonHubFacts, readPythonHubFacts, writePythonHubFacts } from "../helpers/python-hub-facts.ts";

/** A Python that has huggingface_hub: TSUMUGI_PYTHON, or python3 on the PATH. */
const python = [process.env.TSUMUGI_PYTHON, "python3"].find((candidate) => {
  try {
    if (!candidate) return false;
    execFileSync(candidate, ["-c", "import huggingface_hub"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
});
if (python === undefined || (process.env.TSUMUGI_PYTHON && python !== process.env.TSUMUGI_PYTHON)) {
  throw new Error("No Python with huggingface_hub: set TSUMUGI_PYTHON to one, or put it on the PATH as python3");
}

const facts = readPythonHubFacts();
const use = useFakeHub();

/** Runs a program that prints one JSON value. */
async function run(program: string, variables: Record<string, string> = {}): Promise<unknown> {
  const env = {
    ...process.env,
    HF_ENDPOINT: use.hub.endpoint,
    HF_HUB_CACHE: use.cache,
    HF_HUB_DISABLE_XET: "1",
    HF_HUB_DISABLE_PROGRESS_BARS: "1",
    HF_HUB_DISABLE_TELEMETRY: "1",
    ...variables,
  };
  const lines = ["import json, sys, huggingface_hub as hub", program];
  const { stdout } = await promisify(execFile)(python as string, ["-c", lines.join("\n")], { env });
  return JSON.parse(stdout);
}

describe("Python's huggingface_hub", () => {
  it("reads what we wrote", async () => {
    const model = await resolveModel("org/tiny", { endpoint: use.hub.endpoint, cacheDir: use.cache });
    use.hub.seen.length = 0;
    const answer = await run(
      `
folder = hub.snapshot_download("org/tiny", local_files_only=True)
file = hub.hf_hub_download("org/tiny", "additional_chat_templates/rag.jinja", local_files_only=True)
weights = hub.try_to_load_from_cache("org/tiny", "model.safetensors")
absent = hub.try_to_load_from_cache("org/tiny", "generation_config.json") is hub._CACHED_NO_EXIST
unknown = hub.try_to_load_from_cache("org/tiny", "README.md")
cache = hub.scan_cache_dir()
repository = list(cache.repos)[0]
revision = list(repository.revisions)[0]
print(json.dumps([folder, file, weights, absent, unknown, [str(w) for w in cache.warnings],
  repository.repo_id, revision.commit_hash, sorted(revision.refs), sorted(str(f.file_name) for f in revision.files)]))`,
      { HF_HUB_OFFLINE: "1" },
    );
    const names = ["config.json", "model.safetensors", "rag.jinja", "tokenizer.json", "tokenizer_config.json"];
    expect(answer).toEqual([
      model.directory,
      model.path("additional_chat_templates/rag.jinja"),
      model.path("model.safetensors"),
      true,
      null,
      [],
      "org/tiny",
      commit,
      ["main"],
      names,
    ]);
    expect(use.hub.seen).toEqual([]);
  });

  it("downloads nothing again that we wrote", async () => {
    await resolveModel("org/tiny", { endpoint: use.hub.endpoint, cacheDir: use.cache });
    use.hub.seen.length = 0;
    await run(`print(json.dumps(hub.snapshot_download("org/tiny")))`);
    expect(use.hub.contentRequests("model.safetensors")).toEqual([]);
    expect(use.hub.contentRequests("README.md").length).toBe(1); // that one we had left out
  });

  it("writes what we read", async () => {
    const folder = await run(`print(json.dumps(hub.snapshot_download("org/tiny")))`);
    use.hub.seen.length = 0;
    const options = { endpoint: use.hub.endpoint, cacheDir: use.cache };
    const model = await resolveModel("org/tiny", { ...options, localFilesOnly: true });
    expect(model.directory).toBe(folder);
    expect(realpathSync(model.path("model.safetensors") ?? "")).toBe(
      realpathSync(join(use.cache, "models--org--tiny/blobs", sha256(weights))),
    );
    expect(await resolveModel("org/tiny", { ...options, revision: commit })).toMatchObject({ commit });
    expect(use.hub.seen).toEqual([]);
    await resolveModel("org/tiny", options);
    expect(use.hub.seen.map(({ path }) => path)).toEqual(["/api/models/org/tiny/revision/main?blobs=true"]);
  });

  it("writes one file, and we know that the rest is not there", async () => {
    await run(`print(json.dumps(hub.hf_hub_download("org/tiny", "config.json")))`);
    const options = { endpoint: use.hub.endpoint, cacheDir: use.cache };
    await expect(resolveModel("org/tiny", { ...options, localFilesOnly: true })).rejects.toThrow(
      /model\.safetensors is missing/,
    );
    expect(await (await resolveModel("org/tiny", options)).list()).toContain("model.safetensors");
    expect(use.hub.contentRequests("config.json").length).toBe(1);
  });

  it("finds the same folders and the same token", async () => {
    const variables = {
      HF_HOME: "~/hf",
      HF_HUB_CACHE: "$HF_HOME/../cache",
      HF_TOKEN: " hf_x\n",
      HF_ENDPOINT: "http://hub.local/",
    };
    const theirs = await run(
      `
from huggingface_hub import constants
print(json.dumps([constants.HF_HOME, constants.HF_HUB_CACHE, hub.get_token(), constants.ENDPOINT]))`,
      variables,
    );
    const { readHubEnvironment } = await import("../../src/hub/environment.ts");
    const { findToken } = await import("../../src/hub/token.ts");
    const ours = readHubEnvironment({ ...process.env, ...variables });
    expect([ours.home, ours.cacheDirectory, await findToken(undefined, ours), ours.endpoint]).toEqual(theirs);
  });

  it("refuses the same names", async () => {
    const names = Object.keys(facts.validNames);
    const theirs = await run(
      `
from huggingface_hub.utils import validate_repo_id, HFValidationError
def valid(name):
  try:
    validate_repo_id(name)
    return True
  except HFValidationError:
    return False
print(json.dumps([valid(name) for name in json.loads(${JSON.stringify(JSON.stringify(names))})]))`,
    );
    const { repositoryIdProblem } = await import("../../src/hub/repository-id.ts");
    expect(names.map((name) => repositoryIdProblem(name) === undefined)).toEqual(theirs);
  });

  it("does what is on record in test/fixtures/hub/python.json (TSUMUGI_RECORD=1 writes it)", async () => {
    const { variables } = facts.environment;
    await run(`print(json.dumps(hub.snapshot_download("org/tiny")))`);
    const names = Object.keys(facts.validNames);
    const [version, found, valid] = (await run(
      `
from huggingface_hub import constants
from huggingface_hub.utils import validate_repo_id, HFValidationError
def valid(name):
  try:
    validate_repo_id(name)
    return True
  except HFValidationError:
    return False
print(json.dumps([hub.__version__, [constants.HF_HOME, constants.HF_HUB_CACHE, hub.get_token(), constants.ENDPOINT],
  [valid(name) for name in json.loads(${JSON.stringify(JSON.stringify(names))})]]))`,
      variables,
    )) as [string, string[], boolean[]];
    const now: PythonHubFacts = {
      source: `huggingface_hub ${version}`,
      cache: cacheTree(join(use.cache, "models--org--tiny")),
      environment: { variables, found },
      validNames: Object.fromEntries(names.map((name, index) => [name, valid[index]!])),
    };
    if (process.env.TSUMUGI_RECORD) writePythonHubFacts(now);
    expect({ ...now, source: facts.source }).toEqual(facts);
  });
});

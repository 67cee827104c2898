/** The cache beside the one that Python's huggingface_hub writes, as it is on record; test/long/hub-python.test.ts asks Python. */
import { realpathSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { sha256 } from "../../test/helpers/fake-hub.ts";
import { commit, tinyRepository, useFakeHub, weights } from "../../test/helpers/hub-fixtures.ts";
import { cacheTree, makeCacheTree, readPythonHubFacts } from "../../test/helpers/python-hub-facts.ts";
import { readHubEnvironment } from "./environment.ts";
import { resolveModel } from "./index.ts";
import { repositoryIdProblem } from "./repository-id.ts";
import { findToken } from "./token.ts";

const facts = readPythonHubFacts();
const use = useFakeHub();

test("a download writes the files, names and links that Python writes", async () => {
  await resolveModel("org/tiny", { endpoint: use.hub.endpoint, cacheDir: use.cache });
  const ours = Object.entries(cacheTree(join(use.cache, "models--org--tiny"))).filter(
    ([name]) => !name.startsWith(".no_exist/"),
  );
  expect(ours.length).toBeGreaterThan(10);
  for (const [name, what] of ours) expect(facts.cache[name], name).toBe(what);
});

test("a snapshot that Python wrote is read, and nothing is asked of the Hub", async () => {
  const contents = [commit, ...Object.values(tinyRepository().files).map(({ content }) => content)].map((content) =>
    Buffer.from(content as string),
  );
  makeCacheTree(join(use.cache, "models--org--tiny"), facts.cache, contents);
  const options = { endpoint: use.hub.endpoint, cacheDir: use.cache, localFilesOnly: true };
  const model = await resolveModel("org/tiny", options);
  expect(model.directory).toBe(join(use.cache, "models--org--tiny/snapshots", commit));
  expect(realpathSync(model.path("model.safetensors") ?? "")).toBe(
    realpathSync(join(use.cache, "models--org--tiny/blobs", sha256(weights))),
  );
  expect(await resolveModel("org/tiny", { ...options, revision: commit })).toMatchObject({ commit });
  expect(use.hub.seen).toEqual([]);
});

test("environment variables name the folders, token and address that Python finds", async () => {
  const { variables, found } = facts.environment;
  const ours = readHubEnvironment(variables);
  expect([ours.home, ours.cacheDirectory, await findToken(undefined, ours), ours.endpoint]).toEqual(found);
});

test.each(Object.entries(facts.validNames))("the repository name %s is valid as in Python: %j", (name, valid) => {
  expect(repositoryIdProblem(name) === undefined).toBe(valid);
});

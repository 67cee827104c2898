import { describe } from "vitest";
import { createReferenceBackend } from "../../src/backends/reference/index.ts";
import { fixtureNames, logitsCases } from "../helpers/logits-cases.ts";

describe.each(fixtureNames)("%s on the reference backend", (name) => {
  logitsCases(createReferenceBackend, name, () => "reference");
});

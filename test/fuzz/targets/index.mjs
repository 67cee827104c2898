/**
 * What is fuzzed. A target makes one case of random numbers and runs it; it ends with an answer or throws.
 *
 * @typedef {object} Place
 * @property {import("../random.mjs").Random} random
 * @property {string} directory an empty folder of this process
 * @property {Record<string, any>} shared what the cases of a process share
 * @property {typeof import("../../../dist/index.js")} tsumugi
 *
 * @typedef {{ run(place: Place): Promise<unknown> }} Target
 */
import { calls } from "./calls.mjs";
import { models } from "./models.mjs";
import { templatesTarget } from "./templates.mjs";
import { tokenizers } from "./tokenizers.mjs";

/** @type {Record<string, Target>} */
export const targets = { templates: templatesTarget, tokenizers, models, calls };

/** Folders of fixtures that cases start from, and the damaged copies of them. */
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { mutateBytes } from "../mutate-bytes.mjs";
import { jsonText, mutateJson } from "../mutate-json.mjs";

const fixtures = fileURLToPath(new URL("../../fixtures/", import.meta.url));

/**
 * The folders in `room` of test/fixtures whose files, golden data aside, have at most `limit` bytes, each as its files' bytes.
 *
 * @param {string} room
 * @param {number} limit
 * @returns {{ name: string, files: Record<string, Uint8Array> }[]}
 */
export function readFolders(room, limit) {
  return readdirSync(join(fixtures, room), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => {
      const directory = join(fixtures, room, name);
      const names = readdirSync(directory).filter(
        (file) => !/^golden|\.md$/.test(file) && statSync(join(directory, file)).isFile(),
      );
      return {
        name: `${room}/${name}`,
        files: Object.fromEntries(names.map((file) => [file, readFileSync(join(directory, file))])),
      };
    })
    .filter(({ files }) => Object.values(files).reduce((sum, { length }) => sum + length, 0) <= limit);
}

/** A fixture that is a JSON file. */
export function readFixture(name) {
  return JSON.parse(readFileSync(join(fixtures, name), "utf8"));
}

/** The folder then holds these files and no others. */
export function writeFolder(directory, files) {
  for (const name of readdirSync(directory)) rmSync(join(directory, name), { recursive: true });
  for (const [name, content] of Object.entries(files)) writeFileSync(join(directory, name), content);
}

/** The file with damages to its meaning where it is JSON, else to its bytes. */
export function mutateFile(name, bytes, random) {
  if (!name.endsWith(".json") || random.chance(0.2)) return mutateBytes(bytes, random);
  return jsonText(mutateJson(JSON.parse(Buffer.from(bytes).toString()), random));
}

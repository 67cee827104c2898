import { writeFolder, writeWhole } from "../formats/file-folder.ts";
import { type SaveOptions, writeSafetensors } from "../formats/file-shards.ts";
import type { TensorGroup } from "../formats/safetensors-output.ts";
import type { ModelFiles } from "../hub/model-files.ts";

/** Files that a tokenizer is made of, as models have them. */
const tokenizerFiles =
  /^(tokenizer(_config)?\.json|special_tokens_map\.json|added_tokens\.json|vocab\.(json|txt)|merges\.txt|[\w.-]*\.model|tekken\.json|chat_template\.(jinja|json)|additional_chat_templates\/[\w.-]+\.jinja)$/;

/** What a folder of a model will hold. */
export interface WrittenModel {
  /** Where files of the tokenizer come from. */
  files: Pick<ModelFiles, "list" | "readBytes">;
  /** Texts of files by name: config.json, generation_config.json. */
  texts: { readonly [file: string]: string };
  groups: readonly TensorGroup[];
}

/** Writes a model's folder whole or not at all. */
export async function writeModel(directory: string, model: WrittenModel, options: SaveOptions = {}): Promise<void> {
  await writeFolder(directory, async (folder) => {
    await writeSafetensors(folder, model.groups, options);
    for (const name of await model.files.list()) {
      if (!tokenizerFiles.test(name) || name in model.texts) continue;
      const bytes = await model.files.readBytes(name);
      if (bytes) await writeWhole(`${folder}/${name}`, [bytes]);
    }
    for (const [name, text] of Object.entries(model.texts)) {
      await writeWhole(`${folder}/${name}`, [new TextEncoder().encode(text)]);
    }
  });
}

/** Files of tokenizers: tokenizer.json, its settings, SentencePiece models, vocabularies and merges. */
import { mutateFile, readFolders, writeFolder } from "./folders.mjs";

const folders = ["tokenizers", "tokenizers-checkpoints"].flatMap((room) => readFolders(room, 400_000));

const own = {
  "tokenizer_config.json": {
    eos_token: "</s>",
    pad_token: { content: "<pad>", lstrip: true },
    model_max_length: 20,
    clean_up_tokenization_spaces: true,
  },
  "special_tokens_map.json": { bos_token: "<s>", additional_special_tokens: ["<a>", "<b>"] },
  "added_tokens.json": { "<x>": 1000, "<y>": 1001 },
};

const texts = [
  "Hello  world, it's 2026!",
  " 日本語の文章。\n\n😀👩‍👩‍👧 café",
  "<s>a</s> <pad><x>\t\u0000",
  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!",
];

/** @type {import("./index.mjs").Target} */
export const tokenizers = {
  async run({ random, directory, tsumugi }) {
    const base = random.pick(folders);
    const files = { ...base.files };
    for (const [name, value] of Object.entries(own))
      if (random.chance(0.15)) files[name] ??= Buffer.from(JSON.stringify(value));
    const names = Object.keys(files).filter((name) => name !== "config.json");
    for (let left = random.pick([1, 1, 1, 2]); left > 0; left--) {
      const name = random.pick(names);
      files[name] = mutateFile(name, Buffer.from(files[name]), random);
      if (name.endsWith(".json") && left > 1) break;
    }
    writeFolder(directory, files);
    const tokenizer = await tsumugi.AutoTokenizer.fromPretrained(directory);
    const encoding = tokenizer(texts, {
      padding: tokenizer.padToken !== null && tokenizer.padToken !== undefined && random.chance(0.5),
      truncation: random.chance(0.3),
      returnOffsetsMapping: random.chance(0.8) && !base.name.includes("japanese"),
    });
    for (const ids of encoding.inputIds) tokenizer.decode(ids, { skipSpecialTokens: random.chance(0.5) });
    for (const text of texts) tokenizer.tokenize(text);
    tokenizer.encode(texts[0], { textPair: texts[1] });
    tokenizer.batchDecode(encoding.inputIds);
  },
};

/** What begins a file that is something else than what its name says: bytes or text, and what to do about it. */
const signs: readonly { begins: readonly (string | readonly number[])[]; says: string }[] = [
  {
    begins: ["version https://git-lfs.github.com/"],
    says: "it is a Git LFS pointer, the file itself was not downloaded: run `git lfs pull` in its folder",
  },
  {
    begins: ["<!doctype html", "<html", "<head", "<body"],
    says: "it is a web page (HTML), as a server sends it for a wrong address or a missing login: download the file again",
  },
  { begins: ["<?xml", "<Error>"], says: "it is XML, as a server sends it for an error: download the file again" },
  {
    begins: ["Entry not found", "Repository not found", "Invalid username", "Access to model", "404:", "Not Found"],
    says: "it is the text of a server's error: download the file again",
  },
  {
    begins: [
      [0x80, 0x02, 0x8a],
      [0x80, 0x02, 0x63],
      [0x80, 0x04, 0x95],
      [0x80, 0x02, 0x7d],
    ],
    says: "it is a Python pickle (PyTorch), and tsumugi reads safetensors only: turn the model into them with `tsumugi convert`",
  },
  {
    begins: [[0x50, 0x4b, 0x03, 0x04]],
    says: "it is a zip archive, which is what torch.save writes (pickle), and tsumugi reads safetensors only: turn the model into them with `tsumugi convert`",
  },
  { begins: ["GGUF"], says: "it is a GGUF file: give its path as the model, or its name as the option `ggufFile`" },
  { begins: [[0x89, 0x48, 0x44, 0x46]], says: "it is an HDF5 file (Keras): use a version of the model with safetensors" },
  { begins: [[0x1f, 0x8b]], says: "it is compressed with gzip: unpack it" },
  { begins: [[0x28, 0xb5, 0x2f, 0xfd]], says: "it is compressed with zstd: unpack it" },
  {
    begins: [
      [0xff, 0xfe],
      [0xfe, 0xff],
    ],
    says: "it is UTF-16 text: save it as UTF-8",
  },
];

/** Bytes of a file's beginning that `describeForeignFile` looks at. */
export const foreignFileBytes = 64;

/**
 * Says what a file is whose beginning shows that it is neither JSON nor safetensors, and what to do; undefined where the
 * beginning shows nothing.
 *
 * @param start the first bytes of the file, `foreignFileBytes` of them where it has as many
 */
export function describeForeignFile(start: Uint8Array): string | undefined {
  if (start.length === 0) return "it is empty (0 bytes): download the file again";
  const text = new TextDecoder("latin1").decode(start.subarray(0, foreignFileBytes)).trimStart().toLowerCase();
  const matches = (sign: string | readonly number[]) =>
    typeof sign === "string" ? text.startsWith(sign.toLowerCase()) : sign.every((byte, index) => start[index] === byte);
  const found = signs.find(({ begins }) => begins.some(matches));
  if (found) return found.says;
  return start.every((byte) => byte === 0) ? "it begins with zeros only, as a download does that did not finish" : undefined;
}

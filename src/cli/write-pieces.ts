import type { StreamResult, TextStream } from "../generate/index.ts";

/** What stands for bytes that are no character, as those of one that is not whole. */
const replacement = "\uFFFD";

/**
 * Writes a stream's pieces as they come; gives its result. Half a character at the end of a text that was cut ("length", "abort")
 * is not written: it says nothing to a reader. The result has it, as Python's.
 */
export async function writePieces(
  stream: TextStream<StreamResult>,
  write: ((text: string) => void) | undefined,
): Promise<StreamResult> {
  let held = "";
  for await (const piece of stream) {
    const text = held + piece;
    const whole = text.replace(/\uFFFD+$/, "");
    if (whole !== "") write?.(whole);
    held = replacement.repeat(text.length - whole.length);
  }
  const result = await stream.result;
  const isCut = result.finishReason === "length" || result.finishReason === "abort";
  if (held !== "" && !isCut) write?.(held);
  return result;
}

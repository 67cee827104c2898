import { reasonOf } from "./failure-reason.ts";
import type { HubContext } from "./options.ts";
import { badResponse, discard, type HubAnswer, TransientFailure, throwIfAborted } from "./request.ts";

/** Most bytes of an answer of the Hub's API: the listing of some 100,000 files. */
export const answerBytesLimit = 32 * 1024 * 1024;

/** How many times HF_HUB_DOWNLOAD_TIMEOUT an answer of the API may take as a whole. A file has no such limit. */
const wholeTimeouts = 6;

/**
 * The text of an answer of the Hub's API. It may have 32 MiB, may stand still for HF_HUB_DOWNLOAD_TIMEOUT (then TransientFailure)
 * and may take six times as long as a whole (then `hub_bad_response`): a server that drips would hold the caller for ever.
 */
export async function readBody(context: HubContext, answer: HubAnswer): Promise<string> {
  const { response, url } = answer;
  const announced = Number(response.headers.get("content-length") ?? 0);
  if (announced > answerBytesLimit) {
    await discard(response);
    throw tooLong(url, `${announced} bytes`);
  }
  const reader = response.body?.getReader();
  if (reader === undefined) return "";
  const idleMs = context.downloadTimeoutMs;
  const wholeMs = wholeTimeouts * idleMs;
  const end = performance.now() + wholeMs;
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  try {
    while (true) {
      const left = end - performance.now();
      const chunk = await readWithin(context, reader, Math.min(idleMs, left)).catch((error) => {
        throwIfAborted(context);
        throw new TransientFailure(url, reasonOf(error), { cause: error });
      });
      if (chunk === "late" && left <= idleMs) {
        const seconds = `${wholeMs} ms (${wholeTimeouts} × HF_HUB_DOWNLOAD_TIMEOUT)`;
        throw badResponse(url, `its body does not end: ${bytes} bytes came in ${seconds}`);
      }
      if (chunk === "late") throw new TransientFailure(url, `no data for ${idleMs} ms (HF_HUB_DOWNLOAD_TIMEOUT)`);
      if (chunk === undefined) return new TextDecoder().decode(Buffer.concat(pieces));
      pieces.push(chunk);
      bytes += chunk.length;
      if (bytes > answerBytesLimit) throw tooLong(url, "more");
    }
  } finally {
    reader.cancel().catch(() => {}); // nobody waits for a server to agree
  }
}

/** The next chunk; undefined at the end; "late" where none came in time. Stops where the call is aborted. */
export async function readWithin(
  context: HubContext,
  reader: ReadableStreamDefaultReader<Uint8Array>,
  milliseconds: number,
  signal?: AbortSignal,
): Promise<Uint8Array | undefined | "late"> {
  let wake = () => {};
  const late = new Promise<"late">((resolve) => {
    wake = () => resolve("late");
  });
  const timer = setTimeout(wake, Math.max(0, milliseconds));
  const signals = [context.signal, signal].filter((each) => each !== undefined);
  for (const each of signals) each.addEventListener("abort", wake);
  try {
    const result = await Promise.race([reader.read().then(({ done, value }) => (done ? undefined : value)), late]);
    throwIfAborted(context, signal);
    return result;
  } finally {
    clearTimeout(timer);
    for (const each of signals) each.removeEventListener("abort", wake);
  }
}

function tooLong(url: string, given: string) {
  return badResponse(url, `its body may have at most ${answerBytesLimit} bytes, and has ${given}`);
}

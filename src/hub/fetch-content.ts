import type { FileHandle } from "node:fs/promises";
import { TsumugiError } from "../errors.ts";
import { printable } from "../util/printable.ts";
import { reasonOf } from "./failure-reason.ts";
import type { FileMetadata } from "./file-metadata.ts";
import type { HubContext } from "./options.ts";
import type { FileProgress } from "./progress.ts";
import { readWithin } from "./read-body.ts";
import {
  badResponse,
  discard,
  type HubAnswer,
  requestHub,
  TransientFailure,
  throwIfAborted,
  waitBeforeRetry,
} from "./request.ts";
import { responseError } from "./response-error.ts";

export type ContentRequest = {
  url: string;
  file: string;
  metadata: FileMetadata;
  /** The file that collects the bytes. If it has some already, a Range request asks for the rest. */
  output: FileHandle;
  progress: FileProgress;
  signal?: AbortSignal;
};

/** Fewer bytes than this in HF_HUB_DOWNLOAD_TIMEOUT, or over one connection, are no progress. */
const leastProgress = 1024;

/**
 * Fills the output up to the whole file, over as many connections as it takes. The bytes are not verified here. Returns
 * whether they came in several pieces, which may not belong together.
 *
 * A 206 whose Content-Range does not begin where we are, or a 200 to a Range request, starts again from 0. The server's
 * If-Range is of no use, because the storage behind the Hub has other etags than the Hub names. The hash decides at the end.
 *
 * Connections go on only while the file grows beyond what it ever had, so that a storage which ends early, repeats, or has
 * another size than the Hub says uses the attempts up.
 */
export async function fetchContent(context: HubContext, request: ContentRequest): Promise<{ inPieces: boolean }> {
  const { output, metadata } = request;
  let offset = (await output.stat()).size;
  if (offset > (metadata.size ?? Number.POSITIVE_INFINITY)) offset = 0;
  let furthest = offset;
  let inPieces = offset > 0;
  request.progress.start(offset);
  for (let attempt = 1; offset === 0 || offset !== metadata.size; attempt++) {
    try {
      await fetchFrom(context, request, offset, (now) => {
        offset = now;
      });
      return { inPieces };
    } catch (error) {
      inPieces ||= offset > 0;
      if (offset >= furthest + leastProgress) {
        furthest = offset;
        attempt = 1;
      }
      await waitBeforeRetry(context, error, attempt, context.retry.attempts, request.signal);
    }
  }
  return { inPieces };
}

async function fetchFrom(context: HubContext, request: ContentRequest, offset: number, onOffset: (now: number) => void) {
  const { output, file, url } = request;
  const headers: Record<string, string> = offset > 0 ? { range: `bytes=${offset}-` } : {};
  const answer = await requestHub(context, { method: "GET", url, headers, otherHosts: "follow", signal: request.signal });
  const body = await accept(context, request, answer, offset);
  if (!("start" in body)) {
    await discard(answer.response);
    onOffset(0); // the file cannot be continued, so the next attempt asks for everything
    throw body;
  }
  onOffset(body.start);
  await output.truncate(body.start);
  const size = request.metadata.size ?? body.total;
  const most = size ?? request.metadata.limit;
  const reader = answer.response.body?.getReader();
  const read = reader && steadyReader(context, request, answer.url, reader);
  let written = body.start;
  try {
    for (let chunk = await read?.(written); chunk !== undefined; chunk = await read?.(written)) {
      if (written + chunk.length > most) {
        onOffset(0);
        throw badResponse(answer.url, `it sends more than the ${most} bytes of \`${printable(file)}\``);
      }
      await writeFully(output, chunk, written);
      written += chunk.length;
      onOffset(written);
      request.progress.loaded(written, size);
    }
    throwIfAborted(context, request.signal);
    if (size !== undefined && written < size) throw wrongSize(context, request, answer.url, written, size);
    await output.sync();
  } finally {
    reader?.cancel().catch(() => {}); // nobody waits for a server to agree
  }
}

/** Decides where the body of an answer belongs. What is returned as a failure can be asked for again, from 0. */
async function accept(context: HubContext, request: ContentRequest, answer: HubAnswer, offset: number) {
  const { response, url } = answer;
  const { size } = request.metadata;
  const { status, headers } = response;
  if (status === 200) {
    const isPlain = (headers.get("content-encoding") ?? "identity") === "identity";
    const length = headers.get("content-length");
    const total = isPlain && length !== null && /^\d+$/.test(length) ? Number(length) : undefined;
    if (total !== undefined && size !== undefined && total !== size) return wrongSize(context, request, url, total, size);
    return { start: 0, total };
  }
  const range = /^bytes (?:(\d+)-\d+|\*)\/(\d+|\*)$/.exec(headers.get("content-range") ?? "");
  const total = range?.[2] === undefined || range[2] === "*" ? undefined : Number(range[2]);
  if (status === 206 || (status === 416 && offset > 0)) {
    if (total !== undefined && size !== undefined && total !== size) return wrongSize(context, request, url, total, size);
    if (status === 206 && offset > 0 && range?.[1] !== undefined && Number(range[1]) === offset)
      return { start: offset, total };
    return new TransientFailure(url, `HTTP ${status} with a wrong Content-Range`);
  }
  const error = await responseError(context, answer, request.file);
  // The signed address of the storage may have expired. The next attempt asks the Hub for a new one.
  const isStorage = new URL(url).host !== new URL(context.endpoint).host;
  if (isStorage && [400, 401, 403, 404].includes(status)) throw new TransientFailure(url, `HTTP ${status}`);
  throw error;
}

/** The Hub names one size and the storage has another. It may be out of date for a moment, so that it is asked again. */
function wrongSize(context: HubContext, { file }: ContentRequest, url: string, given: number, size: number): TransientFailure {
  const details = { repository: context.repository, file, what: "size", expected: `${size} bytes` };
  const final = new TsumugiError("hub_corrupt_download", { ...details, given: `${given} bytes at ${new URL(url).host}` });
  return new TransientFailure(url, `the storage has ${given} of ${size} bytes`, { final });
}

/** Reads a body as long as it brings `leastProgress` bytes in each HF_HUB_DOWNLOAD_TIMEOUT. */
function steadyReader(
  context: HubContext,
  { file, signal }: ContentRequest,
  url: string,
  reader: ReadableStreamDefaultReader<Uint8Array>,
) {
  const limit = context.downloadTimeoutMs;
  let left = limit;
  let fresh = 0;
  return async (written: number): Promise<Uint8Array | undefined> => {
    const fail = (reason: string, cause?: unknown) => {
      return new TransientFailure(url, `${reason} after ${written} bytes of \`${printable(file)}\``, { cause });
    };
    const start = performance.now();
    const chunk = await readWithin(context, reader, left, signal).catch((error) => {
      throwIfAborted(context, signal);
      throw fail(reasonOf(error), error);
    });
    if (chunk === "late") throw fail(`less than ${leastProgress} bytes in ${limit} ms (HF_HUB_DOWNLOAD_TIMEOUT)`);
    left -= performance.now() - start;
    fresh += chunk?.length ?? 0;
    if (fresh >= leastProgress) {
      left = limit;
      fresh = 0;
    }
    return chunk;
  };
}

async function writeFully(output: FileHandle, chunk: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < chunk.length; ) {
    const { bytesWritten } = await output.write(chunk, done, chunk.length - done, position + done);
    done += bytesWritten;
  }
}

import { type FileHandle, open, truncate } from "node:fs/promises";
import type { FileMetadata } from "./file-metadata.ts";
import type { HubContext } from "./options.ts";
import type { FileProgress } from "./progress.ts";
import {
  badResponse,
  discard,
  type HubAnswer,
  reasonOf,
  requestHub,
  TransientFailure,
  throwIfAborted,
  waitBeforeRetry,
} from "./request.ts";
import { responseError } from "./response-error.ts";
import { fileSize } from "./snapshot.ts";

export type ContentRequest = {
  url: string;
  file: string;
  metadata: FileMetadata;
  /** The file that collects the bytes. If it has some already, a Range request asks for the rest. */
  path: string;
  progress: FileProgress;
  signal?: AbortSignal;
};

/**
 * Fills `path` up to the whole file, over as many connections as it takes. The bytes are not verified here.
 *
 * A 206 whose Content-Range does not begin where we are, or a 200 to a Range request, starts again from 0. The server's
 * If-Range is of no use, because the storage behind the Hub has other etags than the Hub names. The hash decides at the end.
 */
export async function fetchContent(context: HubContext, request: ContentRequest): Promise<void> {
  const { path, metadata } = request;
  let offset = (await fileSize(path)) ?? 0;
  if (metadata.size !== undefined && offset > metadata.size) offset = 0;
  request.progress.start(offset);
  for (let attempt = 1; offset === 0 || offset !== metadata.size; attempt++) {
    const before = offset;
    try {
      await fetchFrom(context, request, offset, (now) => {
        offset = now;
      });
      return;
    } catch (error) {
      if (offset > before) attempt = 1;
      await waitBeforeRetry(context, error, attempt, context.retry.attempts, request.signal);
    }
  }
}

async function fetchFrom(context: HubContext, request: ContentRequest, offset: number, onOffset: (now: number) => void) {
  const stalled = new AbortController();
  const signal = request.signal === undefined ? stalled.signal : AbortSignal.any([request.signal, stalled.signal]);
  const headers: Record<string, string> = offset > 0 ? { range: `bytes=${offset}-` } : {};
  const answer = await requestHub(context, { method: "GET", url: request.url, headers, otherHosts: "follow", signal });
  const body = await accept(context, request, answer, offset);
  if (body === undefined) {
    await discard(answer.response);
    await truncate(request.path, 0).catch(() => {}); // the file cannot be continued, so the next attempt asks for everything
    onOffset(0);
    throw new TransientFailure(answer.url, `HTTP ${answer.response.status} with a wrong Content-Range`);
  }
  const { start, total } = body;
  onOffset(start);
  const size = request.metadata.size ?? total;
  const output = await open(request.path, start === 0 ? "w" : "r+");
  let written = start;
  const fail = (reason: string, cause?: unknown) => new TransientFailure(answer.url, reason, { cause });
  const reader = answer.response.body?.getReader();
  try {
    while (reader !== undefined) {
      const chunk = await readChunk(context, reader, stalled).catch((error) => {
        throwIfAborted(context, request.signal);
        const reason = stalled.signal.aborted ? `no data for ${context.downloadTimeoutMs} ms` : reasonOf(error);
        throw fail(`${reason} after ${written} bytes of \`${request.file}\``, error);
      });
      if (chunk === undefined) break;
      await writeFully(output, chunk, written);
      written += chunk.length;
      onOffset(written);
      request.progress.loaded(written, size);
      if (size !== undefined && written > size)
        throw badResponse(answer.url, `it sends more than the ${size} bytes of the file`);
    }
    throwIfAborted(context, request.signal);
    if (size !== undefined && written < size) throw fail(`the connection ended after ${written} of ${size} bytes`);
    await output.sync();
  } finally {
    await reader?.cancel().catch(() => {});
    await output.close();
  }
}

/** Decides where the body of an answer belongs; undefined when it belongs nowhere. */
async function accept(context: HubContext, request: ContentRequest, answer: HubAnswer, offset: number) {
  const { response, url } = answer;
  const size = request.metadata.size;
  if (response.status === 200) {
    const isPlain = (response.headers.get("content-encoding") ?? "identity") === "identity";
    const length = response.headers.get("content-length");
    return { start: 0, total: isPlain && length !== null ? Number(length) : undefined };
  }
  if (response.status === 206 && offset > 0) {
    const range = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(response.headers.get("content-range") ?? "");
    const total = range === null || range[2] === "*" ? undefined : Number(range[2]);
    if (range !== null && Number(range[1]) === offset && (size === undefined || total === undefined || total === size)) {
      return { start: offset, total };
    }
  }
  if (response.status === 206 || (response.status === 416 && offset > 0)) return undefined;
  const error = await responseError(context, answer, request.file);
  // The signed address of the storage may have expired. The next attempt asks the Hub for a new one.
  const isStorage = new URL(url).host !== new URL(context.endpoint).host;
  if (isStorage && [400, 401, 403, 404].includes(response.status)) throw new TransientFailure(url, `HTTP ${response.status}`);
  throw error;
}

async function readChunk(context: HubContext, reader: ReadableStreamDefaultReader<Uint8Array>, stalled: AbortController) {
  const timer = setTimeout(() => stalled.abort(), context.downloadTimeoutMs);
  try {
    const { done, value } = await reader.read();
    return done ? undefined : value;
  } finally {
    clearTimeout(timer);
  }
}

async function writeFully(output: FileHandle, chunk: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < chunk.length; ) {
    const { bytesWritten } = await output.write(chunk, done, chunk.length - done, position + done);
    done += bytesWritten;
  }
}

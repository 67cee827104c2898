import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** A repository of the fake Hub: one commit. Files with `lfs` go through a redirect to another host name. */
export type FakeRepository = {
  commit: string;
  files: Record<string, { content: Uint8Array; lfs?: boolean }>;
  gated?: boolean;
  private?: boolean;
  /** Old name of this repository: answered with a relative redirect. */
  movedFrom?: string;
};

export type SeenRequest = {
  method: string;
  path: string;
  host: string;
  range: string | undefined;
  authorization: string | undefined;
  status: number;
};

/** A rule that looks at a request first; it answers (true) or leaves it to the Hub. */
export type Rule = (request: IncomingMessage, response: ServerResponse) => boolean;

/** A Hub on loopback. LFS content is served under the host name `localhost`, the rest under 127.0.0.1. */
export class FakeHub {
  readonly repositories = new Map<string, FakeRepository>();
  readonly seen: SeenRequest[] = [];
  rules: Rule[] = [];
  /** The token that opens private and gated repositories. */
  token = "hf_right";
  /** For each content request: after how many bytes the connection is dropped (next first). */
  drops: number[] = [];
  /** Answers Range requests with everything, as some proxies do. */
  ignoresRange = false;
  /** Whether the listing of a repository names sizes, as the Hub's does (`?blobs=true`). */
  tellsSizes = true;
  /** Wait between pieces of 16 KiB of content, in milliseconds. */
  pieceDelayMs = 0;
  readonly #server = createServer((request, response) => this.#handle(request, response));

  async listen(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return this;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** Content requests (GET) for a file, at the place that serves its bytes. */
  contentRequests(file: string): SeenRequest[] {
    return this.seen.filter(({ method, path, status }) => method === "GET" && path.endsWith(`/${file}`) && status !== 302);
  }

  #handle(request: IncomingMessage, response: ServerResponse) {
    response.on("close", () => {
      const { method = "", url = "", headers } = request;
      const { host = "", range, authorization } = headers;
      this.seen.push({ method, path: decodeURIComponent(url), host, range, authorization, status: response.statusCode });
    });
    if (this.rules.some((rule) => rule(request, response))) return;
    const path = (request.url ?? "").split("?")[0] ?? "";
    const api = /^\/api\/models\/(.+?)\/(revision|tree)\/([^/]+)/.exec(path);
    const resolve = /^\/(?!api\/)(.+?)\/resolve\/([^/]+)\/(.+)$/.exec(path);
    const storage = /^\/storage\/(.+?)\/file\/(.+)$/.exec(path);
    if (storage) return this.#storage(request, response, storage[1] ?? "", decodeURIComponent(storage[2] ?? ""));
    const match = api ?? resolve;
    if (!match) return fail(response, 404);
    const id = match[1] ?? "";
    const moved = [...this.repositories].find(([, repository]) => repository.movedFrom === id);
    if (moved) return redirect(response, 307, path.replace(id, moved[0]));
    const repository = this.repositories.get(id);
    const authorized = request.headers.authorization === `Bearer ${this.token}`;
    if (!repository || (repository.private && !authorized)) return fail(response, 401, "RepoNotFound");
    const revision = decodeURIComponent((api ? match[3] : match[2]) ?? "");
    if (revision !== "main" && revision !== "refs/pr/1" && revision !== repository.commit) {
      return fail(response, 404, "RevisionNotFound");
    }
    if (api) return this.#api(request, response, id, repository, match[2] ?? "");
    if (repository.gated && !authorized) return fail(response, request.headers.authorization ? 403 : 401, "GatedRepo");
    this.#resolve(request, response, id, repository, decodeURIComponent(match[3] ?? ""));
  }

  #api(request: IncomingMessage, response: ServerResponse, id: string, { commit, files }: FakeRepository, kind: string) {
    const asksForSizes = request.url?.endsWith("?blobs=true");
    const entries = Object.entries(files).map(([path, { content, lfs }]) => {
      const more = lfs ? { lfs: { oid: sha256(content), size: content.length, pointerSize: 100 } } : {};
      return { type: "file", path, oid: gitSha1(content), size: content.length, ...more };
    });
    const siblings = Object.entries(files).map(([rfilename, { content, lfs }]) => {
      const stored = lfs && { lfs: { sha256: sha256(content), size: content.length, pointerSize: 100 } };
      const sizes = { size: content.length, blobId: gitSha1(content), ...stored };
      return { rfilename, ...(asksForSizes && this.tellsSizes && sizes) };
    });
    const body = JSON.stringify(kind === "tree" ? entries : { _id: "1", id, modelId: id, sha: commit, tags: [], siblings });
    response.writeHead(200, { "content-type": "application/json" }).end(body);
  }

  #resolve(request: IncomingMessage, response: ServerResponse, id: string, repository: FakeRepository, name: string) {
    const file = repository.files[name];
    response.setHeader("x-repo-commit", repository.commit);
    if (!file) return fail(response, 404, "EntryNotFound");
    if (!file.lfs) return this.#send(request, response, file.content, gitSha1(file.content));
    response.setHeader("x-linked-etag", `"${sha256(file.content)}"`);
    response.setHeader("x-linked-size", file.content.length);
    redirect(response, 302, `http://localhost:${this.port}/storage/${id}/file/${name}`);
  }

  #storage(request: IncomingMessage, response: ServerResponse, id: string, name: string) {
    const file = this.repositories.get(id)?.files[name];
    if (!file) return fail(response, 404);
    this.#send(request, response, file.content, "another-etag-of-the-storage");
  }

  async #send(request: IncomingMessage, response: ServerResponse, content: Uint8Array, etag: string) {
    response.setHeader("etag", `"${etag}"`);
    response.setHeader("accept-ranges", "bytes");
    const range = this.ignoresRange ? null : /^bytes=(\d+)-$/.exec(request.headers.range ?? "");
    const start = range ? Number(range[1]) : 0;
    if (start > 0 && start >= content.length) {
      response.setHeader("content-range", `bytes */${content.length}`);
      return fail(response, 416);
    }
    if (range) response.setHeader("content-range", `bytes ${start}-${content.length - 1}/${content.length}`);
    response.writeHead(range ? 206 : 200, { "content-length": content.length - start });
    if (request.method === "HEAD") return void response.end();
    const drop = this.drops.shift();
    const end = drop === undefined ? content.length : Math.min(start + drop, content.length);
    for (let from = start; from < end; from += 16384) {
      if (response.destroyed) return;
      response.write(content.subarray(from, Math.min(from + 16384, end)));
      if (this.pieceDelayMs > 0) await new Promise((resolve) => setTimeout(resolve, this.pieceDelayMs));
    }
    if (drop === undefined) return void response.end();
    // let what was written go out before the connection dies
    setTimeout(() => response.destroy(), 30);
  }
}

export function sha256(content: Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}

export function gitSha1(content: Uint8Array): string {
  return createHash("sha1").update(`blob ${content.length}\0`).update(content).digest("hex");
}

function fail(response: ServerResponse, status: number, code?: string): void {
  if (code !== undefined) response.setHeader("x-error-code", code);
  response.writeHead(status).end();
}

function redirect(response: ServerResponse, status: number, location: string): void {
  response.writeHead(status, { location }).end();
}

import type { HubContext } from "./options.ts";

/** Reports the progress of one file. `loaded` may be called for every chunk; listeners hear at most ten times a second. */
export class FileProgress {
  readonly #context: HubContext;
  readonly #file: string;
  #total: number;
  #reportedAt = 0;

  constructor(context: HubContext, file: string, totalBytes: number | undefined) {
    this.#context = context;
    this.#file = file;
    this.#total = totalBytes ?? 0;
  }

  start(loadedBytes: number): void {
    this.#report("start", loadedBytes);
  }

  loaded(loadedBytes: number, totalBytes: number | undefined): void {
    if (totalBytes !== undefined) this.#total = totalBytes;
    if (performance.now() - this.#reportedAt >= 100) this.#report("progress", loadedBytes);
  }

  done(loadedBytes: number): void {
    this.#total = loadedBytes;
    this.#report("done", loadedBytes);
  }

  cached(loadedBytes: number): void {
    this.#total = loadedBytes;
    this.#report("cached", loadedBytes);
  }

  #report(status: "start" | "progress" | "done" | "cached", loadedBytes: number): void {
    this.#reportedAt = performance.now();
    const { repository } = this.#context;
    this.#context.onProgress({ status, repository, file: this.#file, loadedBytes, totalBytes: this.#total });
  }
}

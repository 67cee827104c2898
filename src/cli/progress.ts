import { progress } from "@clack/prompts";
import type { DownloadProgress } from "../generate/index.ts";

/** Shows the progress of downloads and of loading on stderr, and only on a terminal. */
export interface ProgressReporter {
  download(event: DownloadProgress): void;
  loading(event: { loadedBytes: number; totalBytes: number }): void;
  writing(event: { writtenBytes: number; totalBytes: number }): void;
  /** Ends whatever bar is open. Call before anything else is printed. */
  close(): void;
}

const silent: ProgressReporter = { download() {}, loading() {}, writing() {}, close() {} };

/** Draws bars when stderr is a terminal. It draws nothing in pipes, or on terminals that have no width. */
export function createProgressReporter(stream: NodeJS.WriteStream = process.stderr): ProgressReporter {
  return stream.isTTY && stream.columns > 0 ? terminalReporter(stream) : silent;
}

function terminalReporter(stream: NodeJS.WriteStream): ProgressReporter {
  let open: { name: string; bar: ReturnType<typeof progress>; shown: number } | undefined;

  const close = (): void => {
    open?.bar.stop(open.name);
    open = undefined;
  };
  const show = (name: string, loaded: number, total: number): void => {
    if (open?.name !== name) {
      close();
      const bar = progress({ max: 100, output: stream });
      bar.start(name);
      open = { name, bar, shown: 0 };
    }
    const percent = total > 0 ? Math.floor((100 * loaded) / total) : 0;
    if (open && percent > open.shown) {
      open.bar.advance(percent - open.shown, `${name} ${megabytes(loaded)} of ${megabytes(total)}`);
      open.shown = percent;
    }
    if (total > 0 && loaded >= total) close();
  };

  return {
    download: (event) => {
      if (event.status !== "cached") show(event.file, event.loadedBytes, event.totalBytes);
    },
    loading: (event) => {
      // Small models have loaded before anybody could read a bar.
      if (event.totalBytes > 100e6) show("Loading weights", event.loadedBytes, event.totalBytes);
    },
    writing: (event) => {
      if (event.totalBytes > 100e6) show("Writing weights", event.writtenBytes, event.totalBytes);
    },
    close,
  };
}

/** e.g. "12.3 MB" */
export function megabytes(bytes: number): string {
  return bytes >= 1e9 ? `${(bytes / 1e9).toFixed(2)} GB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

// A progress line for downloads: megabytes, rate, time left; started when the first bytes arrive.
import { type Progress, startProgress } from "../core/progress.ts";

/** A line for downloads; call `done` in `finally`. */
export interface BytesProgress {
  /** Bytes so far and in all (undefined or 0: unknown). */
  onProgress(doneBytes: number, totalBytes: number | undefined): void;
  /** Text beside the numbers. */
  note(text: string): void;
  done(): void;
}

/** Starts a line. */
export function startBytes(label: string): BytesProgress {
  let line: Progress | undefined;
  let shown = 0;
  const open = (done: number, total: number) => {
    shown = done;
    return startProgress(label, total, { unit: "MB", done });
  };
  return {
    onProgress(doneBytes, totalBytes) {
      const [done, total] = [doneBytes, totalBytes ?? 0].map((bytes) => Math.round(bytes / 1e6)) as [
        number,
        number,
      ];
      line ??= open(done, total);
      line.tick(Math.max(0, done - shown), total);
      shown = Math.max(shown, done);
    },
    note(text) {
      line ??= open(0, 0);
      line.note(text);
    },
    done: () => line?.done(),
  };
}

// One progress line on standard error: done/total, rate, time left. Silent unless that is a terminal.
import { visible } from "./visible.ts";

/** A progress line on standard error. */
export interface Progress {
  /** Adds finished units; `total` is another total, as more becomes known. */
  tick(units?: number, total?: number): void;
  /** Text shown after the numbers. */
  note(text: string): void;
  /** Ends the line, which another tick begins again; call it in `finally`. */
  done(): void;
}

/** A line that also states how far it is. */
export interface CountedProgress extends Progress {
  /** Adds units that took no time here: done before, or not to be done at all. They do not count for the rate. */
  skip(units: number): void;
  /** `12 of 96 epochs, 1:42 left`, for a line of its own; without the time until there is a rate, and at the end. */
  text(): string;
}

export interface ProgressOptions {
  /** Name of one unit, e.g. `frames`. */
  readonly unit?: string | undefined;
  readonly stream?: {
    isTTY?: boolean | undefined;
    write(text: string): unknown;
    columns?: number | undefined;
  };
  /** Units that were done before; they do not count for the rate. */
  readonly done?: number | undefined;
  /** Clock in ms; for tests. */
  readonly now?: (() => number) | undefined;
}

/** Starts a progress line. `total` may be 0 if unknown. */
export function startProgress(label: string, total: number, options: ProgressOptions = {}): CountedProgress {
  const { unit = "items", stream = process.stderr, done = 0, now = () => performance.now() } = options;
  const startMs = now();
  let count = done;
  let skipped = done;
  let all = total;
  let text = "";
  let drawnMs = Number.NEGATIVE_INFINITY;
  const draw = () => {
    if (stream.isTTY !== true) return;
    const line =
      formatProgress(label, count, all, unit, now() - startMs, skipped) + (text === "" ? "" : `  ${text}`);
    stream.write(`\r\x1b[2K${visible(line).slice(0, (stream.columns ?? 100) - 1)}`);
    drawnMs = now();
  };
  return {
    tick(units = 1, known = all) {
      count += units;
      all = known;
      if (now() - drawnMs >= 100 || count === all) draw();
    },
    skip(units) {
      count += units;
      skipped += units;
    },
    text() {
      const rate = (count - skipped) / Math.max(1, now() - startMs);
      const left = rate > 0 && count < all ? `, ${formatSeconds((all - count) / rate / 1000)} left` : "";
      return `${count} of ${all} ${unit}${left}`;
    },
    note(value) {
      text = value;
      if (now() - drawnMs >= 100) draw();
    },
    done() {
      draw();
      if (stream.isTTY === true) stream.write("\n");
    },
  };
}

/** `derive 120/464 frames 26% 8.1/s 0:42 left`. */
export function formatProgress(
  label: string,
  count: number,
  total: number,
  unit: string,
  elapsedMs: number,
  before = 0,
): string {
  const rate = elapsedMs > 0 ? ((count - before) * 1000) / elapsedMs : 0;
  const speed = `${rate >= 10 ? rate.toFixed(0) : rate.toFixed(1)}/s`;
  if (total <= 0) return `${label} ${count} ${unit} ${speed}`;
  const percent = Math.floor((100 * count) / total);
  const left = rate > 0 ? `  ${formatSeconds((total - count) / rate)} left` : "";
  return `${label} ${count}/${total} ${unit}  ${percent}%  ${speed}${left}`;
}

/** Seconds as `m:ss` or `h:mm:ss`. */
export function formatSeconds(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const two = (n: number) => String(n).padStart(2, "0");
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor((whole % 3600) / 60);
  return hours > 0 ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}

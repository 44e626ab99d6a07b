// ◇ Browser-safe. A run's log, as it lies and as it grows.
// Invariants: a run that has predicted is done, and is not followed; what a resumed run repeats takes the place of what was there; a
// page that was cut off goes on at the byte behind its last line.
import { type Signal, signal } from "@preact/signals";
import type { AppError } from "../../core/errors.ts";
import { ROUTES } from "../../server/api.ts";
import { type EpochLog, parseRunLog } from "../../train/runlog.ts";
import { faultOf, get, hasFile, listing, urlOf } from "../app/source.ts";
import { hasPredictions, type Run } from "./configurations.ts";

/** Name of the log. */
const LOG = "log.jsonl";

/** What is known of a log. */
export interface Log {
  readonly epochs: readonly EpochLog[];
  /** True while it is followed. */
  readonly live: boolean;
  readonly fault?: AppError | undefined;
}

/** Epochs with those that were added; one that comes again, and all after it, are replaced. */
export function withLines(epochs: readonly EpochLog[], added: readonly EpochLog[]): EpochLog[] {
  const first = added[0]?.epoch ?? Number.POSITIVE_INFINITY;
  return [...epochs.filter(({ epoch }) => epoch < first), ...added];
}

/** Opens a log; to be closed when nobody looks any more. */
export function openLog(run: Run): { readonly log: Signal<Log>; readonly close: () => void } {
  const log = signal<Log>({ epochs: [], live: false });
  const closing = new AbortController();
  let events: EventSource | undefined;
  const begin = async () => {
    try {
      const route = ROUTES.file(run.id, LOG);
      const text = hasFile(run, LOG) ? await (await get(route, { signal: closing.signal })).text() : "";
      const whole = text.slice(0, text.lastIndexOf("\n") + 1); // a line that is being written comes later
      const live = listing.peek()?.writes === true && hasFile(run, LOG) && !hasPredictions(run);
      log.value = { epochs: parseRunLog(whole, `${run.place}/${LOG}`), live };
      if (live && !closing.signal.aborted) listen(new TextEncoder().encode(whole).length);
    } catch (error) {
      if (!closing.signal.aborted) log.value = { epochs: [], live: false, fault: faultOf(error) };
    }
  };
  const listen = (from: number) => {
    events = new EventSource(urlOf(ROUTES.follow(run.id, LOG, from)));
    events.addEventListener("lines", ({ data }: MessageEvent<string>) => {
      try {
        const epochs = withLines(log.value.epochs, parseRunLog(data, `${run.place}/${LOG}`));
        const isLast = (epochs.at(-1)?.epoch ?? 0) >= run.run.epochs.planned;
        log.value = { epochs, live: !isLast };
        if (isLast) events?.close();
      } catch (error) {
        events?.close();
        log.value = { ...log.value, live: false, fault: faultOf(error) };
      }
    });
    // Cut back by a resumed run, or gone.
    events.addEventListener("lost", () => {
      events?.close();
      void begin();
    });
  };
  void begin();
  return {
    log,
    close: () => {
      closing.abort();
      events?.close();
    },
  };
}

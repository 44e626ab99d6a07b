// ◇ Browser-safe. How far somebody is in a queue, and how fast.
// Source: our own. Invariants: what was judged in another queue counts, but in the control sample, whose judgements must be of the
// sample; what was skipped is done for now, and comes again when it is asked for.
import { type Annotation, CONTROL_QUEUE, thingOf } from "../../../audit/annotation.ts";
import { quantile } from "../../../evaluate/metrics/calibration.ts";
import { keyOf } from "./line.ts";
import type { Item } from "./pairs.ts";
import type { QueueName } from "./queues.ts";

/** Somebody's way through a queue. */
export interface Progress {
  /** The judgement of each thing that counts here, by its key. */
  readonly said: ReadonlyMap<string, Annotation>;
  readonly done: number;
  readonly skipped: number;
  /** Median time of a judgement, ms; undefined before the first. */
  readonly medianMs?: number | undefined;
}

/**
 * How far somebody is.
 *
 * @param judgements - theirs that stand; of a queue of disputes those of all who settled
 */
export function progressOf(
  items: readonly Item[],
  judgements: readonly Annotation[],
  queue: QueueName,
): Progress {
  const counts = ({ queue: where, settles }: Annotation) =>
    queue === "disputes"
      ? settles === true
      : settles !== true && (queue !== CONTROL_QUEUE || where === queue);
  const own = new Map(judgements.filter(counts).map((one) => [thingOf(one), one]));
  const places = placesOf(items);
  const found = [...own].flatMap(([key, one]) => (places.has(key) ? [one] : []));
  const skipped = found.filter(({ choice }) => choice === "skip").length;
  const times = found
    .filter(({ choice }) => choice !== "skip")
    .map(({ ms }) => ms)
    .sort((a, b) => a - b);
  const said = new Map(found.map((one) => [thingOf(one), one]));
  return {
    said,
    done: found.length - skipped,
    skipped,
    medianMs: times.length === 0 ? undefined : quantile(times, 0.5),
  };
}

const known = new WeakMap<readonly Item[], ReadonlyMap<string, number>>();

/** The place of each item of a queue, by its key; found once. */
export function placesOf(items: readonly Item[]): ReadonlyMap<string, number> {
  const places = known.get(items) ?? new Map(items.map((item, at) => [keyOf(item), at]));
  known.set(items, places);
  return places;
}

/**
 * The next thing to judge.
 *
 * @param from - where to begin; the queue goes round
 * @param again - also what was skipped, once nothing else is left
 * @returns its place in the queue; -1 if nothing is left
 */
export function nextOpen(items: readonly Item[], { said }: Progress, from: number, again: boolean): number {
  const firstOf = (wanted: string | undefined) => {
    for (let step = 0; step < items.length; step++) {
      const at = (from + step) % items.length;
      if (said.get(keyOf(items[at]!))?.choice === wanted) return at;
    }
    return -1;
  };
  const open = firstOf(undefined);
  return open < 0 && again ? firstOf("skip") : open;
}

/** A time for people, e.g. `2.3 s`. */
export const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;

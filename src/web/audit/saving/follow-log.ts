// ◇ Browser-safe. The log of judgements as it grows: what everybody said, or, for a blind page, what others judged.
// Source: WHATWG HTML, "Server-sent events". Invariants: lines come in the order of the log, each once; a log that was cut is read
// anew; whoever is cut off goes on where they were.
import { type Signal, signal } from "@preact/signals";
import { ROUTES } from "../../../server/api.ts";
import { urlOf } from "../../app/source.ts";

/** A log that is followed. */
export interface FollowedLog<T> {
  readonly lines: Signal<readonly T[]>;
  /** True once everything that was there has come. */
  readonly whole: Signal<boolean>;
  readonly connected: Signal<boolean>;
  close(): void;
}

/** A browser that was refused asks again after this, ms. */
const AGAIN_MS = 4000;

/**
 * Follows the log about a dataset.
 *
 * @param blind - name of the annotator who must not know what others say
 */
export function followLog<T>(thing: string, blind: string | undefined): FollowedLog<T> {
  const [lines, whole, connected] = [signal<readonly T[]>([]), signal(false), signal(false)];
  let events: EventSource | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let at = 0;
  const open = () => {
    events = new EventSource(urlOf(ROUTES.followAnnotations(thing, at, blind)));
    events.addEventListener("open", () => {
      connected.value = true;
    });
    events.addEventListener("lines", (event: MessageEvent<string>) => {
      const texts = event.data.split("\n").filter((text) => text !== "");
      lines.value = [...lines.value, ...texts.map((text) => JSON.parse(text) as T)];
      at = Number(event.lastEventId);
    });
    events.addEventListener("rest", () => {
      whole.value = true;
    });
    events.addEventListener("lost", () => {
      [at, lines.value] = [0, []];
      again();
    });
    events.addEventListener("error", () => {
      connected.value = false;
      if (events?.readyState === EventSource.CLOSED) again();
    });
  };
  const again = () => {
    events?.close();
    timer = setTimeout(open, AGAIN_MS);
  };
  open();
  return {
    ...{ lines, whole, connected },
    close() {
      clearTimeout(timer);
      events?.close();
    },
  };
}

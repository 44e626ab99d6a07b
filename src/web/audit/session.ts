// ◇ Browser-safe. One person's audit of one dataset: pairs, the log, and judgements on their way, as signals.
// Invariants: what is shown as judged is the log and what waits, together; a blind session asks for no label, prediction or answer
// of others.
import { computed, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import type { Annotation } from "../../audit/annotation.ts";
import { MACHINE_CLOCK } from "../../core/clock.ts";
import type { AppError } from "../../core/errors.ts";
import { type BlindPairs, type JudgedLine, type OthersLine, ROUTES, type Thing } from "../../server/api.ts";
import { faultOf, getJson, listing, urlOf } from "../app/source.ts";
import { datasetOf } from "../pairs/dataset.ts";
import { type AuditPair, pairsOfBlind, pairsOfTable } from "./queues/pairs.ts";
import { followLog } from "./saving/follow-log.ts";
import { browserKeeping } from "./saving/keeping.ts";
import { Outbox, type OutboxState } from "./saving/outbox.ts";
import { sendJudgements } from "./saving/send.ts";

/** An audit as one person sees it. */
export interface Session {
  readonly thing: Thing;
  readonly annotator: string;
  readonly blind: boolean;
  readonly pairs: ReadonlySignal<readonly AuditPair[] | undefined>;
  /** The log with what waits; of a blind session its own lines only. */
  readonly lines: ReadonlySignal<readonly Annotation[]>;
  /** Of a blind session: what others judged. */
  readonly others: ReadonlySignal<readonly OthersLine[]>;
  /** True once the log is known. */
  readonly whole: ReadonlySignal<boolean>;
  readonly connected: ReadonlySignal<boolean>;
  readonly outbox: Signal<OutboxState>;
  readonly fault: ReadonlySignal<AppError | undefined>;
  add(line: Annotation): void;
  retry(): void;
  close(): void;
}

/** Opens an audit; it is to be closed. */
export function openSession(thing: Thing, annotator: string, blind: boolean): Session {
  const writes = listing.peek()?.writes === true;
  const log = writes ? followLog<JudgedLine>(thing.id, blind ? annotator : undefined) : NO_LOG;
  const url = urlOf(ROUTES.annotations(thing.id));
  const changed = (state: OutboxState) => {
    state_.value = state;
  };
  const box = new Outbox({
    name: `${thing.id}.${annotator}`,
    keeping: browserKeeping(),
    send: writes ? (lines) => sendJudgements(url, lines) : undefined,
    clock: MACHINE_CLOCK,
    changed,
  });
  const state_ = signal(box.state);
  const lines = computed(() => {
    const known = log.lines.value.filter((line): line is Annotation => "annotator" in line);
    const ids = new Set(known.map(({ id }) => id));
    const { saved, waiting } = state_.value;
    return [...known, ...[...saved, ...waiting].filter(({ id }) => !ids.has(id))];
  });
  return {
    ...{ thing, annotator, blind, lines, outbox: state_ },
    ...openPairs(thing, blind && writes),
    ...{ whole: log.whole, connected: log.connected },
    others: computed(() => log.lines.value.filter((line): line is OthersLine => !("annotator" in line))),
    add: (line) => box.add(line),
    retry: () => box.retry(),
    close() {
      log.close();
      box.close();
    },
  };
}

/** Of static files there is no log but what this browser keeps. */
const NO_LOG = {
  lines: signal<readonly JudgedLine[]>([]),
  whole: signal(true),
  connected: signal(true),
  close: () => undefined,
};

/** What the pairs come from: the dataset's table, or for a blind page what the server gives without labels. */
function openPairs(thing: Thing, blind: boolean): Pick<Session, "pairs" | "fault"> {
  if (!blind) {
    const { loaded, fault } = datasetOf(thing);
    const pairs = computed(() =>
      loaded.value?.whole === true ? pairsOfTable(loaded.value.table).all : undefined,
    );
    return { pairs, fault };
  }
  const pairs = signal<readonly AuditPair[] | undefined>(undefined);
  const fault = signal<AppError | undefined>(undefined);
  getJson<BlindPairs>(ROUTES.blind(thing.id))
    .then((found) => {
      pairs.value = pairsOfBlind(found);
    })
    .catch((error) => {
      fault.value = faultOf(error);
    });
  return { pairs, fault };
}

// ◇ Browser-safe. One person's audit of one dataset: pairs, the log, and judgements on their way, as signals.
// Invariants: what is shown as judged is the log and what waits, together; a blind session asks for no label, prediction or answer
// of others.
import { computed, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import type { Annotation } from "../../audit/annotation.ts";
import { MACHINE_CLOCK } from "../../core/clock.ts";
import type { AppError } from "../../core/errors.ts";
import { SPLITS } from "../../core/words.ts";
import { type BlindPairs, type JudgedLine, type OthersLine, ROUTES, type Thing } from "../../server/api.ts";
import { faultOf, get, getJson, hasFile, listing, urlOf } from "../app/source.ts";
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
  readonly pairs: Signal<readonly AuditPair[] | undefined>;
  /** The log with what waits; of a blind session its own lines only. */
  readonly lines: ReadonlySignal<readonly Annotation[]>;
  /** Of a blind session: what others judged. */
  readonly others: ReadonlySignal<readonly OthersLine[]>;
  /** True once the log is known. */
  readonly whole: ReadonlySignal<boolean>;
  readonly connected: ReadonlySignal<boolean>;
  readonly outbox: Signal<OutboxState>;
  readonly fault: Signal<AppError | undefined>;
  add(line: Annotation): void;
  retry(): void;
  close(): void;
}

/** Opens an audit; it is to be closed. */
export function openSession(thing: Thing, annotator: string, blind: boolean): Session {
  const writes = listing.peek()?.writes === true;
  const log = writes ? followLog<JudgedLine>(thing.id, blind ? annotator : undefined) : NO_LOG;
  const fault = signal<AppError | undefined>(undefined);
  const pairs = signal<readonly AuditPair[] | undefined>(undefined);
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
  loadPairs(thing, blind && writes)
    .then((found) => {
      pairs.value = found;
    })
    .catch((error) => {
      fault.value = faultOf(error);
    });
  const lines = computed(() => {
    const known = log.lines.value.filter((line): line is Annotation => "annotator" in line);
    const ids = new Set(known.map(({ id }) => id));
    const { saved, waiting } = state_.value;
    return [...known, ...[...saved, ...waiting].filter(({ id }) => !ids.has(id))];
  });
  return {
    ...{ thing, annotator, blind, pairs, lines, fault, outbox: state_ },
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

async function loadPairs(thing: Thing, blind: boolean): Promise<readonly AuditPair[]> {
  if (blind) return pairsOfBlind(await getJson<BlindPairs>(ROUTES.blind(thing.id)));
  const tables = SPLITS.filter((split) => hasFile(thing, `${split}.csv`)).map(async (split) =>
    pairsOfTable(split, await (await get(ROUTES.file(thing.id, `${split}.csv`))).text()),
  );
  return (await Promise.all(tables)).flat();
}

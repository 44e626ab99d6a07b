// ◇ Browser-safe. What is judged now: the queue's items, how far this person is, and what the keys would do.
// Invariant: all of it follows from the session's files, the log and the address.
import { type Annotation, thingOf } from "../../audit/annotation.ts";
import { standing } from "../../audit/standing.ts";
import { FAIRFACE_RACES, SEXES } from "../../core/vocabulary.ts";
import { type History, historyOf } from "./queues/history.ts";
import { keyOf, type Task } from "./queues/line.ts";
import type { AuditPair, Item } from "./queues/pairs.ts";
import { type Plan, QUEUE_KINDS } from "./queues/plan.ts";
import { type Progress, progressOf } from "./queues/progress.ts";
import { controlQueue, disputeQueue, type QueueName, secondPassQueue } from "./queues/queues.ts";
import type { Session } from "./session.ts";

/** A plan with a queue. */
export type QueuePlan = Plan & { readonly queue: QueueName };

/** What somebody said about something, for whoever settles it. */
export interface Answer {
  /** `A1`, `A2`: who it was does not count. */
  readonly who: string;
  readonly said: string;
  readonly note?: string | undefined;
}

/** What is judged now. */
export interface Work {
  readonly items: readonly Item[];
  readonly progress: Progress;
  readonly history: History;
  readonly answers: (item: Item) => readonly Answer[];
}

/**
 * Items of queues that are drawn from the pairs alone, or from what others judged; undefined for other queues. They are the same as long as
 * both are.
 */
export function drawnItems(session: Session, { queue, size, seed }: QueuePlan): readonly Item[] | undefined {
  const pairs = session.pairs.value ?? [];
  if (queue === "control") return controlQueue(pairs, size, seed);
  if (queue === "second-pass") return secondPassQueue(pairs, session.others.value, seed);
  return undefined;
}

/**
 * The work of a session by its plan.
 *
 * @param given - items as they were drawn or read; disputes follow from the log
 * @throws AppError("data", ...) for a log that cannot be read
 */
export function workOf(session: Session, plan: QueuePlan, given: readonly Item[] | undefined): Work {
  const lines = session.lines.value;
  const { judgements, annotators } = standing(lines);
  const isDispute = plan.queue === "disputes";
  const items = isDispute ? disputeQueue(session.pairs.value ?? [], judgements) : (given ?? []);
  const own = ({ annotator }: Annotation) => annotator === session.annotator;
  const counted = isDispute ? judgements : judgements.filter(own);
  return {
    items,
    progress: progressOf(items, counted, plan.queue),
    history: historyOf(lines.filter((line) => own(line) && line.queue === plan.queue)),
    answers: (item) =>
      judgements
        .filter((one) => thingOf(one) === keyOf(item) && one.settles !== true)
        .map((one) => ({
          who: `A${annotators.indexOf(one.annotator) + 1}`,
          said: sayingOf(one),
          note: one.note,
        })),
  };
}

/** A judgement in words. */
export function sayingOf({ choice, to, reason, recorded, asked }: Annotation): string {
  if (choice === "relabel") return Object.values(to ?? {}).join(", ");
  if (choice === "remove") return `remove: ${reason}`;
  if (choice === "confirm") return asked.map((label) => recorded[label]).join(", ");
  return choice ?? "taken back";
}

/** How lines of a queue are made. */
export function taskOf({ queue, asked, blind }: QueuePlan, annotator: string): Task {
  const { shows } = QUEUE_KINDS[queue];
  const seen = {
    label: !blind,
    predictions: shows === "predictions",
    judgements: shows === "judgements",
  };
  return { annotator, queue, asked, seen, settles: queue === "disputes" };
}

/** Buckets that are offered where the page does not know those of the dataset. */
const AGES = ["0-2", "3-9", "10-19", "20-29", "30-39", "40-49", "50-59", "60-69", "70+"];

/** Classes that a label may be given: those that the dataset has. */
export function classesOf(label: Plan["asked"], pairs: readonly AuditPair[]): readonly string[] {
  if (label === "gender") return SEXES;
  const found = [...new Set(pairs.flatMap(({ labels }) => labels[label] ?? []))].sort();
  if (found.length > 0) return found;
  return label === "age" ? AGES : FAIRFACE_RACES;
}

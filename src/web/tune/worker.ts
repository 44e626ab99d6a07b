// ◇ Browser-safe. The thread of Tune: a training, by the code that Node trains with.
// Invariants: one training at a time, and a stopped one continues; what a stopped one has learnt so far is not lost to who stops it.
import { Interrupted } from "../../core/errors.ts";
import type { Sample } from "../../core/words.ts";
import { sha256Hex } from "../../engine/sha256.ts";
import { summarize } from "../../evaluate/analysis/summary.ts";
import {
  bestOf,
  type CourseState,
  type CourseWork,
  runCourse,
  type Trained,
} from "../../train/head/course.ts";
import { tuneConfig, tunedFacts } from "../../train/head/plan.ts";
import { faultOf } from "../app/fault.ts";
import type { Counts, Order, Said, Task, Tuned } from "./messages.ts";
import { manifestHashOf, type Prepared, prepare, recordsOf } from "./prepare.ts";
import type { Dealt } from "./samples.ts";
import { storedTraining } from "./store.ts";

const GROUPS = [["race"], ["age"], ["gesture"]];

let prepared: Prepared | undefined;
let stopping = new AbortController();

const tell = (said: Said) => postMessage(said);
const countsOf = ({ train, val }: Dealt): Counts => ({ train: countOf(train), val: countOf(val) });
const countOf = (samples: readonly Sample[]) => ({
  images: samples.length,
  subjects: new Set(samples.map(({ subject }) => subject)).size,
});

async function train(order: Order): Promise<void> {
  const { signal } = stopping;
  const ready = await preparedFor(order, signal);
  const { work, keeps } = await workOf(order, ready, signal);
  const learning = ready.learning(work);
  tell({ is: "begun", log: work.state?.log ?? [], config: work.config });
  try {
    const tuned = tunedOf(order, ready, work, await runCourse(work, learning));
    tell({ is: "tuned", tuned });
  } catch (error) {
    const last = keeps.last;
    if (!(error instanceof Interrupted) || last?.best === undefined) throw error;
    const best = bestOf(work, { log: last.log, best: last.best });
    tell({ is: "stopped", tuned: tunedOf(order, ready, work, best, false) });
  }
}

/** From memory where the order is about the same. */
async function preparedFor(order: Order, signal: AbortSignal): Promise<Prepared> {
  if (prepared?.key === order.prepared) {
    tell({ is: "runtime", words: prepared.words });
    return prepared;
  }
  await prepared?.close();
  prepared = undefined;
  prepared = await prepare(order, { signal, tell });
  return prepared;
}

/** What is trained, from where it was stopped; and what was kept of it last. */
async function workOf(order: Order, ready: Prepared, signal: AbortSignal) {
  const { dealt, choices, recipeHash, kind, learner } = order;
  const { model, runtime, backbone } = ready;
  const config = tuneConfig(model.facts, choices, learner);
  const manifestHash = await manifestHashOf(dealt, ready);
  const images = dealt.train.length + dealt.val.length;
  const facts = tunedFacts(model.facts, config, { kind, manifestHash, recipeHash, images });
  const stored = storedTraining(await sha256Hex(JSON.stringify([config, facts, backbone, recordsOf(dealt)])));
  const state = await stored.get();
  const keeps: { last: CourseState | undefined } = { last: state };
  const work: CourseWork = {
    ...{ config, facts, state, signal, weights: model.weights, samples: dealt, runtime: runtime.step },
    keep: async (now) => {
      await stored.put(now);
      keeps.last = now;
    },
    onEpoch: (epoch) => tell({ is: "epoch", epoch }),
    // A head's steps are too short to be followed.
    ...(learner === "head"
      ? {}
      : { onStep: ({ loss }, { batch }, of) => tell({ is: "step", step: batch, of, loss }) }),
  };
  return { work, keeps };
}

function tunedOf(
  { modelName, place, dealt }: Order,
  { words }: Prepared,
  { config, facts }: CourseWork,
  trained: Trained,
  ended = true,
): Tuned {
  const summary = summarize(trained.rows, { groups: GROUPS, groupIntervals: true });
  const counts = countsOf(dealt);
  return { ...trained, modelName, place, facts, config, summary, counts, runtime: words, ended };
}

let busy: Promise<void> = Promise.resolve();

/** Does what it is asked; web/thread.ts hands it over. */
export function heard({ data }: MessageEvent<Task>): void {
  if (data.do === "stop") {
    stopping.abort(new Interrupted("Stopped"));
    return;
  }
  stopping = new AbortController();
  busy = busy.then(() =>
    train(data.order).catch((error: unknown) => {
      if (error instanceof Interrupted) return tell({ is: "stopped", tuned: undefined });
      const { kind, code, message, hint } = faultOf(error);
      tell({ is: "fault", fault: { kind, code, message, hint } });
    }),
  );
}

// ◇ Browser-safe. The judging screen: both pictures, one key for each answer, undo without limit.
// Invariants: what is said is a line at once; time runs from when the pictures are seen; a blind screen shows no label.
import { type Signal, useSignal } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { AppError } from "../../core/errors.ts";
import { address, choose } from "../app/address.ts";
import { type Key, useKeys } from "../app/keys.ts";
import { FaultNote } from "../parts/fault.tsx";
import { Answers } from "./answers.tsx";
import { useMoreItems } from "./more-items.ts";
import { Pictures, prefetch } from "./pictures.tsx";
import { keyOf, lineOf, revertOf, type Said } from "./queues/line.ts";
import type { Item } from "./queues/pairs.ts";
import { QUEUE_KINDS } from "./queues/plan.ts";
import { nextOpen, placesOf } from "./queues/progress.ts";
import { ReasonDialog } from "./reason-dialog.tsx";
import { SavedNote } from "./saved.tsx";
import type { Session } from "./session.ts";
import { ProgressLine } from "./status.tsx";
import { drawnItems, type QueuePlan, taskOf, type Work, workOf } from "./work.ts";

interface Props {
  readonly session: Session;
  readonly plan: QueuePlan;
}

/** The screen of a queue. */
export function Judging({ session, plan }: Props) {
  const more = useMoreItems(session, plan);
  const { queue, size, seed } = plan;
  const drawn = useMemo(
    () => drawnItems(session, plan),
    [session.pairs.value, session.others.value, queue, size, seed],
  );
  let work: Work;
  try {
    work = workOf(session, plan, drawn ?? more.items);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return <Heading plan={plan}>{<FaultNote fault={error} />}</Heading>;
  }
  if (more.fault !== undefined)
    return (
      <Heading plan={plan}>
        <FaultNote fault={more.fault} />
      </Heading>
    );
  if (more.isLoading)
    return (
      <Heading plan={plan}>
        <p role="status">Reading …</p>
      </Heading>
    );
  return <Screen session={session} plan={plan} work={work} />;
}

function Heading({
  plan,
  children,
}: {
  readonly plan: QueuePlan;
  readonly children: preact.ComponentChildren;
}) {
  useKeys([{ keys: ["q"], does: "choose another queue", run: leave }]);
  return (
    <>
      <h1>{QUEUE_KINDS[plan.queue].title}</h1>
      {children}
      <button type="button" onClick={leave}>
        Other queues <kbd>q</kbd>
      </button>
    </>
  );
}

const leave = () => choose({ queue: undefined, at: undefined, again: undefined });

/** What is shown and typed now. */
interface Now {
  readonly at: Signal<string | undefined>;
  readonly note: Signal<string>;
  readonly isRemoving: Signal<boolean>;
}

function Screen({ session, plan, work }: Props & { readonly work: Work }) {
  const at = useSignal<string | undefined>(address.peek().choices["at"]?.[0]);
  const now: Now = { at, note: useSignal(""), isRemoving: useSignal(false) };
  const since = useRef(performance.now());
  const { items, progress } = work;
  const found = placesOf(items).get(at.value ?? "") ?? -1;
  const place = found >= 0 ? found : nextOpen(items, progress, 0, plan.again);
  const item = items[place];
  const key = item === undefined ? undefined : keyOf(item);
  useEffect(() => {
    since.current = performance.now();
    if (key !== undefined) at.value = key;
    prefetch(session.thing.id, items.slice(place + 1, place + 4));
  }, [key]);
  const actions = actionsOf({ session, plan, work }, now, { place, item, since });
  useKeys(now.isRemoving.value ? [] : actions.keys);
  return (
    <section class="audit-screen" aria-label="Judging">
      <header class="audit-head">
        <h1>{QUEUE_KINDS[plan.queue].title}</h1>
        <ProgressLine work={work} place={place} />
      </header>
      {item === undefined ? (
        <Finished work={work} />
      ) : (
        <>
          <Pictures thing={session.thing.id} item={item} onSeen={() => (since.current = performance.now())} />
          <Answers
            {...{ session, plan, work, item, note: now.note, isRemoving: now.isRemoving.value }}
            say={actions.say}
            remove={() => (now.isRemoving.value = true)}
          />
        </>
      )}
      <p class="audit-tools">
        {actions.keys
          .filter(({ does }) => TOOLS.has(does))
          .map(({ keys, does, run }) => (
            <button key={does} type="button" onClick={run}>
              {does} <kbd>{keys[0] === "ArrowLeft" ? "←" : keys[0] === "ArrowRight" ? "→" : keys[0]}</kbd>
            </button>
          ))}
      </p>
      <SavedNote session={session} />
      {now.isRemoving.value ? (
        <ReasonDialog
          onReason={(reason) => actions.say({ choice: "remove", reason })}
          onClose={() => (now.isRemoving.value = false)}
        />
      ) : null}
    </section>
  );
}

function Finished({ work: { items, progress } }: { readonly work: Work }) {
  return (
    <div class="audit-finished">
      <p role="status">
        {items.length === 0 ? "There is nothing in this queue." : `All ${items.length} are done.`}
        {progress.skipped > 0 ? ` ${progress.skipped} were skipped.` : ""}
      </p>
      {progress.skipped === 0 ? null : (
        <button type="button" onClick={() => choose({ again: ["yes"] })}>
          Go through the skipped ones
        </button>
      )}
    </div>
  );
}

/** What has a button below the pictures. */
const TOOLS = new Set(["undo", "redo", "previous", "next", "other queues"]);

interface Place {
  readonly place: number;
  readonly item: Item | undefined;
  readonly since: { readonly current: number };
}

interface Actions {
  readonly keys: readonly Key[];
  readonly say: (said: Said) => void;
}

function actionsOf(
  { session, plan, work }: Props & { readonly work: Work },
  { at, note }: Now,
  { place, item, since }: Place,
): Actions {
  const { items, history, progress } = work;
  const fresh = () => ({ id: crypto.randomUUID(), when: new Date().toISOString() });
  const say = (said: Said) => {
    if (item === undefined) return;
    const circumstances = { ...fresh(), ms: performance.now() - since.current, note: note.value };
    const line = lineOf(item, taskOf(plan, session.annotator), said, circumstances);
    note.value = "";
    const rest = { ...progress, said: new Map([...progress.said, [keyOf(item), line]]) };
    const next = items[nextOpen(items, rest, place + 1, plan.again)];
    at.value = next === undefined ? "" : keyOf(next);
    session.add(line);
  };
  const back = (line: (typeof history)["undo"], about: (typeof history)["undo"]) => {
    if (line === undefined || about === undefined) return;
    at.value = keyOf({ image: about.image_id, user: about.user_id });
    session.add(revertOf(line, fresh()));
  };
  const step = (by: number) => {
    const from = place < 0 ? items.length : place;
    const to = items[Math.min(Math.max(from + by, 0), items.length - 1)];
    if (to !== undefined) at.value = keyOf(to);
  };
  return {
    say,
    keys: [
      { keys: ["z", "Ctrl+z"], does: "undo", run: () => back(history.undo, history.undo) },
      { keys: ["y", "Ctrl+y"], does: "redo", run: () => back(history.redo, history.restored) },
      { keys: ["ArrowLeft"], does: "previous", run: () => step(-1) },
      { keys: ["ArrowRight"], does: "next", run: () => step(1) },
      { keys: ["q"], does: "other queues", run: leave },
    ],
  };
}

// ◇ Browser-safe. The question and its answers, each with its key.
import type { Signal } from "@preact/signals";
import { useMemo, useRef } from "preact/hooks";
import { NOTE_LENGTH } from "../../audit/limits.ts";
import { useKeys } from "../app/keys.ts";
import { keyOf, type Said } from "./queues/line.ts";
import type { Item } from "./queues/pairs.ts";
import { classKeys } from "./queues/plan.ts";
import type { Session } from "./session.ts";
import { classesOf, type QueuePlan, sayingOf, type Work } from "./work.ts";

interface Props {
  readonly session: Session;
  readonly plan: QueuePlan;
  readonly work: Work;
  readonly item: Item;
  readonly note: Signal<string>;
  readonly say: (said: Said) => void;
  readonly remove: () => void;
  /** The dialog of reasons is open. */
  readonly isRemoving: boolean;
}

interface Choice {
  readonly key: string | undefined;
  readonly title: string;
  readonly run: () => void;
}

const QUESTIONS = {
  gender: "Which sex is apparent in these pictures?",
  age: "Which age is apparent in these pictures?",
  race: "Which recorded race or skin tone is apparent in these pictures?",
} as const;

/** The question with all answers. */
export function Answers({ session, plan, work, item, note, say, remove, isRemoving }: Props) {
  const input = useRef<HTMLInputElement>(null);
  const recorded = plan.blind ? undefined : item.recorded[plan.asked];
  const pairs = session.pairs.value;
  const classes = useMemo(() => classKeys(classesOf(plan.asked, pairs ?? [])), [plan.asked, pairs]);
  const choices: Choice[] = [
    ...(recorded === undefined
      ? []
      : [
          {
            key: "c",
            title: `As recorded: ${recorded}`,
            run: () => say({ choice: "class", value: recorded }),
          },
        ]),
    ...classes.map(([value, key]) => ({ key, title: value, run: () => say({ choice: "class", value }) })),
    { key: "x", title: "Remove …", run: remove },
    { key: "u", title: "Unsure", run: () => say({ choice: "unsure" }) },
    { key: "s", title: "Skip", run: () => say({ choice: "skip" }) },
  ];
  const keys = [
    ...choices.flatMap(({ key, title, run }) =>
      key === undefined ? [] : [{ keys: [key], does: title, run }],
    ),
    { keys: ["n"], does: "write a note", run: () => input.current?.focus() },
  ];
  useKeys(isRemoving ? [] : keys);
  const before = work.progress.said.get(keyOf(item));
  return (
    <div class="audit-answers">
      <h2>{QUESTIONS[plan.asked]}</h2>
      <p class="audit-known">
        {plan.blind ? "Blind: no label, prediction or judgement of others is shown." : null}
        {plan.blind || recorded !== undefined ? null : "Nothing is recorded."}
        {item.why === undefined || plan.blind ? null : item.why}
        {before === undefined ? null : <strong> You said: {sayingOf(before)}.</strong>}
      </p>
      {plan.queue === "disputes" ? <OthersSaid work={work} item={item} /> : null}
      <div class="audit-choices">
        {choices.map(({ key, title, run }) => (
          <button key={title} type="button" onClick={run}>
            {title} {key === undefined ? null : <kbd>{key}</kbd>}
          </button>
        ))}
      </div>
      <label class="audit-note">
        Note <kbd>n</kbd>{" "}
        <input
          ref={input}
          value={note.value}
          maxLength={NOTE_LENGTH}
          onInput={({ currentTarget }) => {
            note.value = currentTarget.value;
          }}
          onKeyDown={(event) => {
            if (event.key === "Enter" || event.key === "Escape") event.currentTarget.blur();
          }}
        />
      </label>
    </div>
  );
}

function OthersSaid({ work, item }: { readonly work: Work; readonly item: Item }) {
  return (
    <ul class="audit-said">
      {work.answers(item).map(({ who, said, note }) => (
        <li key={who}>
          {who}: {said}
          {note === undefined ? null : ` (${note})`}
        </li>
      ))}
    </ul>
  );
}

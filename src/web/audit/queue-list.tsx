// ◇ Browser-safe. The queues that there are, and how each is drawn.

import { JUDGED_LABELS } from "../../audit/annotation.ts";
import { RULES } from "../../derive/judge/clean.ts";
import { address, choose, chosen } from "../app/address.ts";
import { useKeys } from "../app/keys.ts";
import { listing, thingsOf } from "../app/source.ts";
import { runsWithPredictions } from "./queues/contradictions.ts";
import { NEAR_RULES, type Plan, QUEUE_KINDS, ruleOfChoice, wholeOf } from "./queues/plan.ts";
import { QUEUES, type QueueName } from "./queues/queues.ts";
import { SavedNote } from "./saved.tsx";
import type { Session } from "./session.ts";
import { annotator, judgeAs } from "./who.ts";

/** Queues that rest on what others judged: there is no such thing among static files. */
const OF_OTHERS: readonly QueueName[] = ["second-pass", "disputes"];

/** The list. */
export function QueueList({ session, plan }: { readonly session: Session; readonly plan: Plan }) {
  const offered = QUEUES.filter((name) => listing.value?.writes === true || !OF_OTHERS.includes(name));
  const begin = (name: QueueName) => choose({ queue: [name], at: undefined });
  useKeys([
    ...offered.map((name) => ({
      keys: [QUEUE_KINDS[name].key],
      does: `begin: ${QUEUE_KINDS[name].title}`,
      run: () => begin(name),
    })),
    { keys: ["v"], does: "show agreement", run: () => choose({ panel: ["agreement"] }) },
    { keys: ["w"], does: "judge as somebody else", run: () => judgeAs(undefined) },
  ]);
  return (
    <>
      <h1>Audit of {session.thing.place}</h1>
      <p>
        You judge as <strong>{annotator.value}</strong>.{" "}
        <button type="button" onClick={() => judgeAs(undefined)}>
          Somebody else <kbd>w</kbd>
        </button>{" "}
        <button type="button" onClick={() => choose({ panel: ["agreement"] })}>
          Agreement <kbd>v</kbd>
        </button>
      </p>
      <SavedNote session={session} />
      <Settings plan={plan} />
      <ul class="audit-queues">
        {offered.map((name) => (
          <li key={name}>
            <button type="button" onClick={() => begin(name)}>
              {QUEUE_KINDS[name].title} <kbd>{QUEUE_KINDS[name].key}</kbd>
            </button>
            <p>{QUEUE_KINDS[name].what}</p>
          </li>
        ))}
      </ul>
    </>
  );
}

function Settings({ plan }: { readonly plan: Plan }) {
  const number = (name: "size" | "seed", least: number) => (event: Event) => {
    const { value } = event.currentTarget as HTMLInputElement;
    choose({ [name]: wholeOf(value, least) === undefined ? undefined : [value] }, false);
  };
  return (
    <fieldset class="audit-settings">
      <legend>How</legend>
      <label>
        Label that is asked about{" "}
        <select
          value={plan.asked}
          onChange={({ currentTarget }) => choose({ ask: [currentTarget.value] }, false)}
        >
          {JUDGED_LABELS.map((label) => (
            <option key={label}>{label}</option>
          ))}
        </select>
      </label>
      <label>
        Pairs of the control sample{" "}
        <input type="number" min={1} max={1_000_000} value={plan.size} onChange={number("size", 1)} />
      </label>
      <label>
        Seed of draws{" "}
        <input type="number" min={0} max={1_000_000} value={plan.seed} onChange={number("seed", 0)} />
      </label>
      <label>
        Rule of near thresholds{" "}
        <select
          value={ruleOfChoice(address.value.choices)}
          onChange={({ currentTarget }) => choose({ rule: [currentTarget.value] }, false)}
        >
          {NEAR_RULES.map((name) => (
            <option key={name} value={name}>
              {name}: {RULES[name].title}
            </option>
          ))}
        </select>
      </label>
      <Runs />
      <label>
        <input
          type="checkbox"
          checked={chosen("blind") === "yes"}
          onChange={({ currentTarget }) =>
            choose({ blind: currentTarget.checked ? ["yes"] : undefined }, false)
          }
        />{" "}
        Judge the control sample blind: the label is not shown
      </label>
    </fieldset>
  );
}

/** Whose predictions may contradict: all runs that have some, unless some are chosen. */
function Runs() {
  const runs = runsWithPredictions(thingsOf("run"));
  const own = address.value.choices["run"] ?? [];
  const turn = (id: string, on: boolean) =>
    choose({ run: on ? [...own, id] : own.filter((other) => other !== id) }, false);
  if (runs.length === 0) return null;
  return (
    <details class="audit-runs" open={own.length > 0}>
      <summary>
        Contradictions by{" "}
        {own.length === 0 ? `all ${runs.length} runs` : `${own.length} of ${runs.length} runs`}
      </summary>
      {runs.map(({ id, place }) => (
        <label key={id}>
          <input
            type="checkbox"
            checked={own.includes(id)}
            onChange={({ currentTarget }) => turn(id, currentTarget.checked)}
          />{" "}
          {place}
        </label>
      ))}
    </details>
  );
}

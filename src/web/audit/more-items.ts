// ◇ Browser-safe. Items of queues that need more than pairs and log: the dataset's table, predictions of runs.
// Invariant: what is chosen in the view of pairs is chosen by the same filters here.
import { useSignal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import type { AppError } from "../../core/errors.ts";
import { RULES, type RuleName } from "../../derive/judge/clean.ts";
import { address } from "../app/address.ts";
import { faultOf, thingsOf } from "../app/source.ts";
import { DEFAULTS, datasetOf, type Loaded } from "../pairs/dataset.ts";
import { Sifting } from "../pairs/sift.ts";
import { contradictionItems, readWitnesses, runsWithPredictions } from "./queues/contradictions.ts";
import { type Item, itemOf, pairsOfTable, type TablePairs } from "./queues/pairs.ts";
import { ruleOfChoice } from "./queues/plan.ts";
import { agreementsOf, conflictQueue, nearOf, nearQueue, type QueueName } from "./queues/queues.ts";
import type { Session } from "./session.ts";
import type { QueuePlan } from "./work.ts";

/** What was read of a queue. */
export interface More {
  readonly items?: readonly Item[] | undefined;
  readonly fault?: AppError | undefined;
  readonly isLoading: boolean;
}

const NONE: More = { isLoading: false };
const LOADING: More = { isLoading: true };
const OF_TABLE: readonly QueueName[] = ["conflicts", "near-threshold", "filter"];

/** Reads what a queue needs. */
export function useMoreItems(session: Session, plan: QueuePlan): More {
  const ofTable = useTable(session, plan.queue);
  const predicted = useContradictions(session, plan.queue);
  if (plan.queue === "contradictions") return predicted;
  return OF_TABLE.includes(plan.queue) ? ofTable : NONE;
}

/** Items that follow from the dataset's table. */
function useTable(session: Session, queue: QueueName): More {
  const dataset = OF_TABLE.includes(queue) ? datasetOf(session.thing) : undefined;
  const loaded = dataset?.loaded.value;
  const rule = ruleOfChoice(address.value.choices);
  const choices = queue === "filter" ? JSON.stringify(address.value.choices) : "";
  const items = useMemo(
    () => (loaded?.whole === true ? itemsOfTable(loaded, queue, rule) : undefined),
    [loaded, queue, rule, choices],
  );
  if (dataset?.fault.value !== undefined) return { fault: dataset.fault.value, isLoading: false };
  return items === undefined ? LOADING : { items, isLoading: false };
}

function itemsOfTable(loaded: Loaded, queue: QueueName, rule: RuleName): readonly Item[] {
  const { table, rules, base = DEFAULTS } = loaded;
  const pairs = pairsOfTable(table);
  if (queue === "conflicts") return conflictQueue(pairs.all, agreementsOf(table), 1);
  if (queue === "filter") return filtered(pairs, loaded);
  const threshold = base[rule] ?? RULES[rule].threshold;
  return nearQueue(nearOf(pairs, rules.of(rule), threshold), RULES[rule].title);
}

function filtered({ isPair, at }: TablePairs, { table, copies }: Loaded): Item[] {
  const { rows } = new Sifting(table).apply(address.peek().choices, { copies, picked: new Set() });
  return Array.from(rows.filter(isPair), (row) => itemOf(at(row)));
}

/** Pairs that runs contradict; the runs are those of the address, or all that have predictions. */
function useContradictions(session: Session, queue: QueueName): More {
  const more = useSignal<More>(LOADING);
  const chosen = (address.value.choices["run"] ?? []).join();
  useEffect(() => {
    if (queue !== "contradictions") return;
    const wanted = chosen === "" ? undefined : chosen.split(",");
    const runs = runsWithPredictions(thingsOf("run")).filter(({ id }) => wanted?.includes(id) ?? true);
    readWitnesses(runs)
      .then((rows) => {
        more.value = { items: contradictionItems(session.pairs.peek() ?? [], rows), isLoading: false };
      })
      .catch((error) => {
        more.value = { fault: faultOf(error), isLoading: false };
      });
  }, [queue, chosen]);
  return more.value;
}

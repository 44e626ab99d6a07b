// ◇ Browser-safe. Items of queues that need more than pairs and log: predictions of runs, the ledger.
import type { AppError } from "../../core/errors.ts";
import { address } from "../app/address.ts";
import type { Item } from "./queues/pairs.ts";
import { filterQueue } from "./queues/queues.ts";
import type { Session } from "./session.ts";
import type { QueuePlan } from "./work.ts";

/** What was read of a queue. */
export interface More {
  readonly items?: readonly Item[] | undefined;
  readonly fault?: AppError | undefined;
  readonly isLoading: boolean;
}

/** Reads what a queue needs. */
export function useMoreItems(session: Session, plan: QueuePlan): More {
  if (plan.queue === "filter")
    return { items: filterQueue(session.pairs.value ?? [], address.value.choices), isLoading: false };
  return { isLoading: false };
}

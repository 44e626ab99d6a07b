// Slurm's states of jobs: what each means for a task, and the message when it was ended from outside.
// Source: "JOB STATE CODES" in the manuals of squeue and sacct, Slurm 20.11 to 24.05.
// Invariant: a state that is not known counts as running while the queue shows it: nothing is submitted twice for it.

/** `over`: the command's exit code shows how; `killed`: it did not get to leave one. */
export type StateMeaning = "waiting" | "running" | "over" | "killed" | "cancelled";

const MEANINGS: Readonly<Record<string, StateMeaning>> = {
  PENDING: "waiting",
  REQUEUED: "waiting",
  REQUEUE_FED: "waiting",
  REQUEUE_HOLD: "waiting",
  RESV_DEL_HOLD: "waiting",
  SPECIAL_EXIT: "waiting",
  CONFIGURING: "running",
  RUNNING: "running",
  COMPLETING: "running",
  SIGNALING: "running",
  STAGE_OUT: "running",
  STOPPED: "running",
  SUSPENDED: "running",
  RESIZING: "running",
  COMPLETED: "over",
  FAILED: "over",
  BOOT_FAIL: "killed",
  DEADLINE: "killed",
  LAUNCH_FAILED: "killed",
  NODE_FAIL: "killed",
  OUT_OF_MEMORY: "killed",
  PREEMPTED: "killed",
  RECONFIG_FAIL: "killed",
  REVOKED: "killed",
  TIMEOUT: "killed",
  CANCELLED: "cancelled",
};

/** A state as squeue and sacct write it: `CANCELLED by 1000` and `CANCELLED+` are CANCELLED. */
export function stateName(text: string): string | undefined {
  return /^[A-Z_]+/.exec(text.trim())?.[0];
}

/** What a state means for a task. */
export function meaningOf(state: string): StateMeaning {
  return MEANINGS[stateName(state) ?? ""] ?? "running";
}

/** What a task was allowed, as squeue writes it. */
export interface TaskLimits {
  /** `1:00:00`, or `UNLIMITED`. */
  readonly time: string;
  /** `900M`; `0` is the whole node's. */
  readonly memory: string;
}

/** sbatch's option for the limit that a task was ended by. */
export const LIMIT_OPTIONS: Readonly<Record<string, string>> = {
  DEADLINE: "--deadline",
  OUT_OF_MEMORY: "--mem",
  TIMEOUT: "--time",
};

/** A state with its reason, for people; the state comes first. */
export function explainState(state: string, limits?: TaskLimits): string {
  const name = stateName(state) ?? state;
  const of = (limit: string | undefined) => (limit === undefined || limit === "0" ? "" : ` of ${limit}`);
  const why: Readonly<Record<string, string>> = {
    BOOT_FAIL: "its node did not start",
    CANCELLED: "by scancel, of the user or an administrator",
    DEADLINE: "its deadline passed",
    LAUNCH_FAILED: "its node could not start it",
    NODE_FAIL: "its node failed",
    OUT_OF_MEMORY: `it took more than its memory limit${of(limits?.memory)}`,
    PREEMPTED: "another job took its place",
    RECONFIG_FAIL: "its node could not be prepared",
    REVOKED: "another cluster of the federation took it",
    TIMEOUT: `it ran longer than its time limit${of(limits?.time)}`,
  };
  return why[name] === undefined ? name : `${name}: ${why[name]}`;
}

// ◇ Browser-safe. The journal of a study: every configuration with every seed, how far it is, and its run.
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { AppError } from "../../core/errors.ts";
import { ROUTES, type StudyTasks, type TaskFacts } from "../../server/api.ts";
import type { Study } from "../../studies/study.ts";
import { formatAddress } from "../app/address.ts";
import { faultOf, getJson, listing } from "../app/source.ts";
import { FaultNote } from "../parts/fault.tsx";
import { Scrolled } from "../parts/scrolled.tsx";

const STATES: { readonly [S in TaskFacts["state"]]: string } = {
  done: "done",
  running: "running",
  failed: "failed",
  unfinished: "stopped",
  missing: "not begun",
};

interface JournalProps {
  readonly id: string;
  readonly plan: Study;
  /** By configuration of the plan. */
  readonly names: ReadonlyMap<string, string>;
  /** Id of the run of a task, where it was found. */
  readonly runOf: (cell: string, seed: number) => string | undefined;
}

/** The table of tasks; asked for anew with the listing. */
export function Journal({ id, plan, names, runOf }: JournalProps) {
  const found = useSignal<StudyTasks | undefined>(undefined);
  const fault = useSignal<AppError | undefined>(undefined);
  useEffect(() => {
    let current = true;
    getJson<StudyTasks>(ROUTES.study(id)).then(
      (tasks) => {
        if (current) [found.value, fault.value] = [tasks, undefined];
      },
      (error: unknown) => {
        if (current) fault.value = faultOf(error);
      },
    );
    return () => {
      current = false;
    };
  }, [id, listing.value]);
  return (
    <section>
      <h2>Journal</h2>
      {fault.value === undefined ? null : <FaultNote fault={fault.value} />}
      {found.value === undefined ? (
        <p class="soft">Reading the journal …</p>
      ) : (
        <Tasks tasks={found.value} plan={plan} names={names} runOf={runOf} />
      )}
    </section>
  );
}

function Tasks({
  tasks: { tasks, secondsLeft },
  plan,
  names,
  runOf,
}: Omit<JournalProps, "id"> & { readonly tasks: StudyTasks }) {
  const counts = (Object.keys(STATES) as TaskFacts["state"][])
    .map((state) => [tasks.filter((task) => task.state === state).length, STATES[state]] as const)
    .filter(([n]) => n > 0);
  return (
    <>
      <p>
        {counts.map(([n, words]) => `${n} ${words}`).join(", ")}
        {secondsLeft === undefined || secondsLeft === 0
          ? ""
          : `; about ${duration(secondsLeft)} of work left`}
        . Press <kbd>r</kbd> to read it again.
      </p>
      <Scrolled name="Journal">
        <table>
          <thead>
            <tr>
              <th scope="col">configuration</th>
              {plan.seeds.map((seed) => (
                <th key={seed} scope="col">
                  seed {seed}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {plan.cells.map(({ id, label }) => (
              <tr key={id}>
                <th scope="row" class="long" title={label}>
                  {names.get(id)}
                </th>
                {plan.seeds.map((seed) => (
                  <td key={seed}>
                    <State
                      task={tasks.find((one) => one.cell === id && one.seed === seed)}
                      run={runOf(id, seed)}
                    />
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </Scrolled>
    </>
  );
}

function State({ task, run }: { readonly task: TaskFacts | undefined; readonly run: string | undefined }) {
  if (task === undefined) return <>-</>;
  const { state, epochs, evaluations, error } = task;
  const words = `${STATES[state]}${error === undefined ? "" : `: ${error}`}`;
  return (
    <>
      {run === undefined ? (
        <span class={state === "failed" ? "trouble" : undefined}>{words}</span>
      ) : (
        <a
          class={state === "failed" ? "trouble" : undefined}
          href={formatAddress({ view: "runs", thing: run, choices: {} })}
        >
          {words}
        </a>
      )}
      {state === "done" || state === "missing" ? null : (
        <small>
          {" "}
          epoch {epochs.done} of {epochs.planned}
          {evaluations.planned === 0 ? "" : `, ${evaluations.done} of ${evaluations.planned} evaluations`}
        </small>
      )}
    </>
  );
}

/** `40 s`, `12 min`, `3.5 h`. */
function duration(seconds: number): string {
  if (seconds < 90) return `${Math.ceil(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}

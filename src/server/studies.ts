// Answers for studies: how far each task is, as `facehand study status` has it.
// Invariants: derived from the study's files when it is asked for, never stored; no place and no machine is named, so that of a failure
// only its code is sent. What reads studies is loaded when one is first asked for.
import type { Hono } from "hono";
import { AppError } from "../core/errors.ts";
import type { StudyTasks } from "./api.ts";
import type { Found } from "./listing.ts";

/** Adds the route. */
export function serveStudies(app: Hono, lookup: (id: string) => Promise<Found>): void {
  app.get("/api/things/:id/study.json", async (context) => {
    const { thing, dir } = await lookup(context.req.param("id"));
    if (thing.kind !== "study") throw new AppError("input", "THING", "Expected a study, got something else");
    const [{ readStudy }, { studyStatus }] = await Promise.all([
      import("../studies/study.ts"),
      import("../studies/run/status.ts"),
    ]);
    const { tasks, secondsLeft } = await studyStatus(dir, await readStudy(dir));
    return context.json<StudyTasks>({
      tasks: tasks.map(({ task, state, failures, error, ...counts }) => ({
        cell: task.cell.id,
        seed: task.seed,
        state,
        epochs: { done: counts.epochs, planned: counts.epochsPlanned },
        evaluations: { done: counts.evaluations, planned: counts.evaluationsPlanned },
        failures,
        error: error?.code,
      })),
      secondsLeft: secondsLeft ?? undefined,
    });
  });
}

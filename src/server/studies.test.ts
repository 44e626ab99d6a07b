// Tasks of a study by the server: as `study status` has them, without a place of this machine; files of its evaluations.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { drawPairs } from "../../test/drawn.ts";
import { writeInventedStudy } from "../../test/study-fixture.ts";
import { appendEvent } from "../studies/run/journal.ts";
import { taskPaths } from "../studies/study.ts";
import { type Listing, ROUTES, type StudyTasks, type Thing } from "./api.ts";
import { type Served, serve } from "./serve.ts";

let root: string;
let served: Served;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "facehand-studies-"));
  const dir = join(root, "study");
  await writeInventedStudy(dir, (cell, seed) => cell === "mag" && seed === 123);
  const { journal } = taskPaths(dir, { cell: { id: "mag" }, seed: 123 });
  await appendEvent(journal, "start");
  await appendEvent(journal, "failed", {
    kind: "data",
    code: "SOURCE_GONE",
    message: `none in ${root}/data`,
  });
  await writeFile(join(dir, "evaluations/f1/seed_42/notes.txt"), "no table");
  await drawPairs(join(root, "pairs"), { train: 1, val: 1, test: 1 });
  served = await serve({ roots: [root], version: "1.0.0", port: 0 });
});
afterAll(async () => {
  await served.close();
  await rm(root, { recursive: true });
});

async function ask(path: string): Promise<{ readonly status: number; readonly text: string }> {
  const token = new URL(served.url).searchParams.get("token")!;
  const headers = { cookie: `facehand-${served.port}=${token}` };
  const answer = await fetch(`http://127.0.0.1:${served.port}${path}`, { headers });
  return { status: answer.status, text: await answer.text() };
}

async function thingOf(kind: Thing["kind"]): Promise<Thing> {
  const { things } = JSON.parse((await ask(ROUTES.things())).text) as Listing;
  return things.find((thing) => thing.kind === kind)!;
}

it("are sent with state and counts, and of a failure with its code alone", async () => {
  const { status, text } = await ask(ROUTES.study((await thingOf("study")).id));
  expect([status, text]).toEqual([200, expect.anything()]);
  expect(text).not.toContain(root);
  const { tasks } = JSON.parse(text) as StudyTasks;
  expect(tasks).toHaveLength(6);
  expect(tasks.find(({ cell, seed }) => cell === "mag" && seed === 123)).toMatchObject({
    state: "failed",
    failures: 1,
    error: "SOURCE_GONE",
    epochs: { done: 0 },
  });
  expect(tasks.find(({ cell, seed }) => cell === "f1" && seed === 42)).toMatchObject({
    evaluations: { planned: 2 },
    failures: 0,
  });
});

it("are no dataset's", async () => {
  const { status, text } = await ask(ROUTES.study((await thingOf("dataset")).id));
  expect([status, JSON.parse(text)]).toMatchObject([404, { error: { code: "THING" } }]);
});

it("have their evaluations' tables among the study's files, and nothing else that lies there", async () => {
  const { id, files } = await thingOf("study");
  const names = files.map(({ name }) => name);
  expect(names).toContain("evaluations/f1/seed_42/blur/test.parquet");
  expect(names.every((name) => name === "study.json" || name.endsWith(".parquet"))).toBe(true);
  expect((await ask(ROUTES.file(id, "evaluations/f1/seed_42/blur/test.parquet"))).status).toBe(200);
  expect((await ask(ROUTES.file(id, "evaluations/f1/seed_42/notes.txt"))).status).toBe(404);
});

// A study on a real cluster of one node: the same bytes as here, per-cell resources and logs, lost tasks again.
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sha256File } from "../../src/machine/files.ts";
import { parseStudyFile } from "../../src/studies/plan/file.ts";
import { planStudy } from "../../src/studies/plan/plan.ts";
import { readEvents } from "../../src/studies/run/journal.ts";
import { localExecutor } from "../../src/studies/run/local.ts";
import { runStudy } from "../../src/studies/run/runner.ts";
import { slurmExecutor } from "../../src/studies/run/slurm.ts";
import { studyStatus } from "../../src/studies/run/status.ts";
import { type Study, taskPaths, tasksOf } from "../../src/studies/study.ts";
import { drawPairs } from "../drawn.ts";
import { call, WHY_NO_SLURM } from "./cluster.ts";

let root = "";
let study: Study;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "facehand study "));
  await drawPairs(join(root, "pairs"), { train: 12, val: 6, test: 6 });
  const file = {
    name: "cluster",
    backbones: { "test_efficientnet.none": { imageSize: 32 } },
    train: { epochs: 2, batch: 8 },
    data: [`pairs:${join(root, "pairs")}`],
    grid: { L: ["b", "f"] },
    seeds: [1],
    resources: [{ minutes: 10 }, { only: { L: "f" }, cpus: 1, memoryMb: 900 }],
    evaluate: [{ name: "wrong", told: "other" }],
  };
  study = await planStudy(parseStudyFile(JSON.stringify(file), "cluster.json"));
});
afterAll(() => rm(root, { recursive: true, force: true }));

const at = (name: string) => join(root, name);
const slurm = () => slurmExecutor({ threads: 1, workers: 1, pollMs: 100, graceMs: 500 });

async function results(dir: string): Promise<Record<string, string>> {
  const names = (await readdir(dir, { recursive: true })).filter((name) =>
    /\.(parquet|safetensors)$/.test(name),
  );
  return Object.fromEntries(
    await Promise.all(names.sort().map(async (name) => [name, await sha256File(join(dir, name))])),
  );
}

describe.skipIf(WHY_NO_SLURM !== undefined)("a study on Slurm", () => {
  it("gives the bytes of a local one, with resources of its own for each cell, and does nothing twice", async () => {
    const lines: string[] = [];
    const asked = new Set<string>();
    const report = (text: string) => {
      lines.push(text);
      for (const line of call("squeue", "--noheader", "--states=all", "--format=%m %l %C").split("\n"))
        asked.add(line.trim());
    };
    const options = { executor: slurm(), report };
    expect(await runStudy(at("cluster"), study, options)).toMatchObject({ done: 2, skipped: 0, failed: [] });
    await runStudy(at("local"), study, { executor: localExecutor({ threads: 1, workers: 1 }) });
    expect(await results(at("cluster"))).toEqual(await results(at("local")));
    const scripts = await readdir(join(at("cluster"), "slurm"));
    expect(scripts.filter((name) => name.startsWith("facehand-"))).toHaveLength(2);
    expect([...asked]).toContain("900M 10:00 1");
    lines.length = 0;
    expect(await runStudy(at("cluster"), study, options)).toMatchObject({ done: 0, skipped: 2 });
    expect(lines).toEqual(["2 of 2 tasks are done"]);
  });

  it("submits a task again that was killed on its node, and it continues", async () => {
    const long = await planStudy(
      parseStudyFile(
        JSON.stringify({
          name: "lost",
          backbones: { "test_efficientnet.none": { imageSize: 32 } },
          train: { epochs: 30, batch: 8 },
          data: [`pairs:${at("pairs")}`],
          seeds: [1],
        }),
        "lost.json",
      ),
    );
    const [task] = tasksOf(long);
    const run = runStudy(at("lost"), long, { executor: slurm() });
    const { journal } = taskPaths(at("lost"), task!);
    for (let killed = false; !killed; await sleep(50)) {
      const pid = (await readEvents(journal)).at(-1)?.pid;
      const { epochs } = (await studyStatus(at("lost"), long)).tasks[0]!;
      if (pid === undefined || epochs === 0) continue;
      process.kill(pid, "SIGKILL");
      killed = true;
    }
    expect(await run).toMatchObject({ done: 1, failed: [] });
    expect((await readEvents(journal)).map(({ event }) => event)).toEqual(["start", "start", "done"]);
  });
});

// An evaluation's rows beside the run's own: by key and by record.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { writeInventedStudy } from "../../../test/study-fixture.ts";
import { readSplits, writeSplits } from "../../evaluate/stored/prediction-folder.ts";
import type { Prediction } from "../../evaluate/stored/prediction-row.ts";
import { taskPaths, tasksOf } from "../study.ts";
import { makeReport } from "./report.ts";

test("images of other people under the run's own ids are no changed images: not compared, and counted", async () => {
  const dir = await mkdtemp(join(tmpdir(), "facehand-"));
  try {
    const study = await writeInventedStudy(dir);
    // Three of the 30 images (of 120) whose decision was turned round.
    const others = (row: Prediction, i: number): Prediction => {
      if (i === 0) return { ...row, subject: "pairs:another" };
      if (i === 4) return { ...row, target: row.target === 1 ? 0 : 1 };
      return i === 8 ? { ...row, race: "medium" } : row;
    };
    for (const task of tasksOf(study)) {
      const folder = taskPaths(dir, task).predictions("blur");
      await writeSplits(folder, (await readSplits(folder)).map(others));
    }
    const { files } = await makeReport(dir, { outDir: join(dir, "docs"), replicates: 200 });
    const [, ...rows] = files.get("tables/evaluation-blur.csv")!.trim().split("\n");
    expect(rows).toHaveLength(3);
    for (const row of rows) expect(row).toContain("0.231 ± 0.000"); // 27 / 117
    const flips = [...files.keys()].find((name) => /flips-umcc.*csv$/.test(name))!;
    expect(files.get(flips)).toMatch(/^blur,117,/m);
    const note =
      "Not compared, as another person, label or group is recorded of that id in the run's own: 3 images.";
    expect(files.get("report.md")!.split(note)).toHaveLength(8); // the evaluation, and flips of two runs: all, hands, faces
  } finally {
    await rm(dir, { recursive: true });
  }
});

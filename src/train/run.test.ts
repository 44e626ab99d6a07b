// Opening run folders: what counts as a run to resume, and what is somebody else's folder.
import { appendFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { inventedLog } from "../../test/run-fixture.ts";
import { runPaths } from "../predict/run-folder.ts";
import { parseTrainConfig } from "./config.ts";
import { appendLog, openRunFolder, readLog, readRunConfig, rewindLog } from "./run.ts";

const config = parseTrainConfig({
  arch: "umcc",
  tag: "test_efficientnet.none_F1_Af_Lb_Z0",
  data: ["pairs:x"],
});

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "facehand-run-"));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

describe("openRunFolder", () => {
  it("resumes after a kill between its first two writes", async () => {
    await openRunFolder(dir, config, [], false);
    await rm(runPaths(dir).config);
    await openRunFolder(dir, config, [], true);
    expect(await readRunConfig(dir)).toEqual(config);
  });

  it("does not take that for a new folder without resume", async () => {
    await openRunFolder(dir, config, [], false);
    await rm(runPaths(dir).config);
    await expect(openRunFolder(dir, config, [], false)).rejects.toMatchObject({ code: "RUN_EXISTS" });
  });

  it("refuses a folder with other files, resumed or not", async () => {
    await writeFile(join(dir, "notes.txt"), "mine");
    for (const resume of [false, true]) {
      await expect(openRunFolder(dir, config, [], resume)).rejects.toMatchObject({ code: "RUN_EXISTS" });
    }
  });
});

describe("a run's log", () => {
  it("is read while a line is written, or after a kill cut it off, and resumes without it", async () => {
    const epochs = inventedLog(3);
    const { log } = runPaths(dir);
    await appendLog(dir, epochs[0]!);
    await appendFile(log, JSON.stringify(epochs[1]).slice(0, 30));
    expect(await readLog(dir)).toEqual(epochs.slice(0, 1));
    await appendLog(dir, epochs[1]!);
    await appendLog(dir, epochs[2]!);
    expect(await readLog(dir)).toEqual(epochs);
    expect(await rewindLog(dir, 2)).toEqual(epochs.slice(0, 2));
    expect(await readFile(log, "utf8")).toBe(
      epochs
        .slice(0, 2)
        .map((epoch) => `${JSON.stringify(epoch)}\n`)
        .join(""),
    );
  });

  it("reports where a line is no epoch", async () => {
    await writeFile(runPaths(dir).log, "{}\n");
    await expect(readLog(dir)).rejects.toThrow(
      `Expected one epoch as JSON for a line, got "{}" (${runPaths(dir).log}:1)`,
    );
  });
});

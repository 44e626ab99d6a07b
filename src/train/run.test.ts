// Opening run folders: what counts as a run to go on with, and what is somebody else's folder.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { runPaths } from "../predict/run-folder.ts";
import { parseTrainConfig } from "./config.ts";
import { openRunFolder, readRunConfig } from "./run.ts";

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
  it("goes on after a kill between its first two writes", async () => {
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

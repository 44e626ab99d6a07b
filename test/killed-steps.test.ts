// Kills at each of the last steps of a command, where what was made gets its name: whatever a kill leaves, the same
// command ends with the bytes of an undisturbed one and leaves nothing beside them. More of it: `npm run harden`.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { attack, openSite, type Site } from "../harden/kills.ts";
import { VERBS } from "../harden/verbs.ts";

const STEPS = 6;
let dir = "";
let site: Site;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "facehand-steps-"));
  site = await openSite(dir);
});
afterAll(async () => {
  await site.world.close();
  await rm(dir, { recursive: true });
});

it.each([
  "data import, imagefolder", // a folder that lost its mark before it had its name was refused
  "data fetch, unpacked", // the lock of a fetch that was done stayed for ever
  "model card", // temporary files stayed beside outputs
  "study report", // temporary files of a report stayed in its folder
  "predict --pictures --csv", // with pictures and without a table, the same command was refused
  "train --tensorboard", // events of an epoch that no further one followed were never written
])("%s", { timeout: 300_000 }, async (name) => {
  const verb = VERBS.find((one) => one.name === name)!;
  for (let last = 0; last < STEPS; last++) {
    const { faults } = await attack(site, verb, (n, { calls }) =>
      n > 0 ? undefined : { by: "call", at: Math.max(1, calls - last), when: "before", signal: "SIGKILL" },
    );
    expect(faults).toEqual([]);
  }
});

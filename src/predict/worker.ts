// Thread of `predictFiles`: makes crops of the images that it is sent, one after the other, with detectors of its own.
// Invariant: a crop depends on its image and the setup only.
import { parentPort, workerData } from "node:worker_threads";
import { lend } from "../core/lend.ts";
import { serveWorker } from "../machine/pool.ts";
import type { GivenImage } from "./photo.ts";
import { cropMaker, type ThreadCrops, type ThreadSetup } from "./threads.ts";

if (parentPort !== null) {
  const { crops: setup, stopped } = workerData as ThreadSetup;
  const flag = new Int32Array(stopped);
  const maker = cropMaker(setup);
  const inTurn = lend([maker]); // one photo is open at a time, however many are asked for
  serveWorker<GivenImage, ThreadCrops>(
    parentPort,
    (given) =>
      inTurn(async ({ prepare }) => {
        if (Atomics.load(flag, 0) !== 0) return { value: { crops: [], reports: [] } };
        const reports: string[] = [];
        const crops = await prepare(given, (text) => reports.push(text));
        return { value: { crops, reports } };
      }),
    maker.close,
  );
}

// Drawn samples that several files of tests work on: each is drawn once for a state of the sources, by whoever asks first,
// and copied.
import { existsSync, readFileSync } from "node:fs";
import { cp, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { sweepOld } from "../harden/bundle.ts";
import { isBuilt, ROOT } from "../scripts/ensure.mjs";
import { AppError } from "../src/core/errors.ts";
import { drawSample, type SampleOptions } from "../src/drawn/sample.ts";

/** Lays a sample into a new folder, as `drawSample` draws it. */
export async function laySample(
  out: string,
  options: Required<Pick<SampleOptions, "subjects" | "framesPerSubject" | "seed">>,
): Promise<void> {
  if (!isBuilt()) {
    await drawSample(out, options); // who knows which sources made what is there
    return;
  }
  const { subjects, framesPerSubject, seed } = options;
  const stamp = readFileSync(join(ROOT, "dist", ".sources"), "utf8").slice(0, 16);
  const name = `${stamp}-${subjects}-${framesPerSubject}-${seed}`;
  const all = join(ROOT, "node_modules", ".cache", "facehand-samples");
  await mkdir(all, { recursive: true });
  const place = join(all, name);
  if (!existsSync(place)) await sweepOld(all);
  await whenFree(() => drawSample(place, options));
  await cp(place, out, { recursive: true });
}

/** Again while another process draws the same. */
async function whenFree(draw: () => Promise<unknown>): Promise<void> {
  for (;;) {
    try {
      await draw();
      return;
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== "LOCKED") throw error;
      await sleep(50);
    }
  }
}

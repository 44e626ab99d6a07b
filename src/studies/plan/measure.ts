// What a cell costs on this machine: some steps of its real training, in a process of its own, then thrown away.
// Cells that compute the same (network, size, batch, freezing, augmentation) are measured once.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { AppError, Interrupted } from "../../core/errors.ts";
import { canonicalJson, parseJson } from "../../core/schema.ts";
import { nodeCommand } from "../../machine/child.ts";
import { parseTag } from "../../models/tags.ts";
import type { TrainConfig } from "../../train/config.ts";
import { unphased } from "../../train/phases.ts";
import { type Cell, evaluationsOf, type Study } from "../study.ts";
import type { CellImages } from "./images.ts";

const costSchema = z.strictObject({
  /** From the start of the process to the end of the first step, s. */
  startSeconds: z.number().nonnegative(),
  /** Median of the steps after the first. */
  stepSeconds: z.number().positive(),
  /** Most memory that the process took. */
  peakBytes: z.int().positive(),
});
export type Cost = z.infer<typeof costSchema>;

/** A predicted image costs this share of a trained one: no gradients, no update. */
const PREDICTED_SHARE = 0.3;

/** Cells of one key cost the same. */
export function costKey({ config }: Cell): string {
  const { tag, arch, imageSize, batch, accumulate, padding, ema } = config;
  const { backbone, augment, frozen } = parseTag(tag);
  return canonicalJson({ arch, backbone, augment, frozen, imageSize, batch, accumulate, padding, ema });
}

/**
 * Measures each kind of cell, one after another.
 *
 * @param onCell - called before each measurement
 * @returns costs by `costKey`
 * @throws AppError("internal", "MEASURE") if a process ends without a figure; Interrupted after the signal
 */
export async function measureCells(
  { cells, seeds }: Pick<Study, "cells" | "seeds">,
  {
    signal,
    onCell = () => undefined,
  }: { signal?: AbortSignal | undefined; onCell?: (cell: Cell) => void } = {},
): Promise<Map<string, Cost>> {
  const costs = new Map<string, Cost>();
  for (const cell of cells) {
    if (signal?.aborted) throw new Interrupted("Stopped while measuring; nothing was changed");
    if (costs.has(costKey(cell))) continue;
    onCell(cell);
    costs.set(costKey(cell), await measureCell(cell, seeds[0]!));
  }
  return costs;
}

function measureCell({ config, label }: Cell, seed: number): Promise<Cost> {
  return measureCost({ ...config, seed }, label);
}

/**
 * Some steps of one training in a process of its own.
 *
 * @param label - for messages
 * @throws AppError("data" | "internal", "MEASURE") if it ends without a figure
 */
export async function measureCost(config: TrainConfig, label: string): Promise<Cost> {
  const dir = await mkdtemp(join(tmpdir(), "facehand-measure-"));
  try {
    // Of the last phase, which takes most time and memory.
    const order = JSON.stringify({ config: unphased(config), dir: join(dir, "run") });
    const { command, args } = nodeCommand(new URL("./measure-main", import.meta.url), [order]);
    const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"] });
    const printed = { stdout: "", stderr: "" };
    for (const name of ["stdout", "stderr"] as const)
      child[name].setEncoding("utf8").on("data", (text: string) => {
        printed[name] += text;
      });
    const [code] = (await once(child, "close")) as [number | null];
    if (code === 0) return parseJson(printed.stdout, costSchema, `the measurement of ${label}`);
    const message = `Expected some steps of ${label}, got: ${printed.stderr.trim().slice(-500)}`;
    throw new AppError(code === null ? "internal" : "data", "MEASURE", message, {
      hint: "put it right, or plan without figures by --no-measure",
    });
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

/** What a whole study takes. */
export interface Estimate {
  /** All tasks, one after another, on this machine. */
  readonly seconds: number;
  /** The largest task. */
  readonly peakBytes: number;
}

/** Seconds of one task: all epochs with their validation, then the predictions. */
export function taskSeconds(
  study: Study,
  cell: Cell,
  images: CellImages,
  { startSeconds, stepSeconds }: Cost,
): number {
  const { batch, accumulate = 1, epochs } = cell.config;
  const steps = Math.floor(images.train / (batch * accumulate));
  const predicted = (PREDICTED_SHARE * stepSeconds) / (batch * accumulate);
  const final = images.val * (1 + evaluationsOf(study, cell).length); // each about as large as validation
  return startSeconds + epochs * (steps * stepSeconds + images.val * predicted) + final * predicted;
}

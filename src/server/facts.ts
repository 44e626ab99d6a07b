// What a dataset, run or study records about itself, for the listing: read from its manifest, configuration and log, never computed.
// Invariants: no place of this machine is sent; a log is read from its end, however long it is.

import { open } from "node:fs/promises";
import { basename, join } from "node:path";
import { z } from "zod";
import { canonicalJson } from "../core/schema.ts";
import { readManifest } from "../dataset/manifest.ts";
import { readJson, sha256 } from "../machine/files.ts";
import { axesOf } from "../train/axes.ts";
import { readRunConfig } from "../train/run.ts";
import { type EpochLog, epochLogSchema } from "../train/runlog.ts";
import type { DatasetFacts, RunFacts, StudyFacts } from "./api.ts";

/** This many bytes at the end of a log contain its last line. */
const TAIL_BYTES = 16 * 1024;

/**
 * What a dataset's manifest states; undefined for a dataset that has none, as the published one.
 *
 * @throws AppError("data", "JSON_SYNTAX" | "JSON_SCHEMA" | "PATH_OUTSIDE") for a damaged manifest
 */
export async function datasetFacts(root: string): Promise<DatasetFacts | undefined> {
  const manifest = await readManifest(root);
  if (manifest === undefined) return undefined;
  const { counts, drawn, licence, recipeHash } = manifest;
  const { frames, pairs, subjects } = counts;
  const removed = Object.values(counts.removed).reduce((sum, count) => sum + count, 0);
  return { drawn, licence, recipeHash, frames, removed, pairs, subjects };
}

const sourceSchema = z.object({ kind: z.string(), images: z.number(), recipeHash: z.string().optional() });
const environmentSchema = z.object({ sources: z.array(sourceSchema) });

/**
 * What a run's configuration, environment and last line of its log state.
 *
 * @throws AppError("data", ...) for a configuration that is damaged or missing
 */
export async function runFacts(dir: string): Promise<RunFacts> {
  const { seed, ...rest } = await readRunConfig(dir);
  const { arch, tag, epochs, imageSize, modality, data } = rest;
  const environment = join(dir, "environment.json");
  // A run that was just begun, or that was copied without it, is one all the same.
  const { sources } = await readJson(environment, environmentSchema, "a run's environment").catch(() => ({
    sources: [],
  }));
  const last = await lastEpoch(join(dir, "log.jsonl"));
  return {
    configuration: sha256(canonicalJson(rest)).slice(0, 16),
    ...{ arch, tag, seed, imageSize, modality, axes: axesOf(rest) },
    epochs: { done: last?.epoch ?? 0, planned: epochs },
    sources: data.map((text, i) => {
      const [kind = "", ...place] = text.split(":");
      return { kind, name: basename(place.join(":")), ...known(sources[i]) };
    }),
  };
}

function known(source: z.infer<typeof sourceSchema> | undefined) {
  return source === undefined ? {} : { images: source.images, recipeHash: source.recipeHash };
}

/** The last whole line that is an epoch; undefined if there is none yet. */
async function lastEpoch(path: string): Promise<EpochLog | undefined> {
  const file = await open(path, "r").catch(() => undefined);
  if (file === undefined) return undefined;
  try {
    const { size } = await file.stat();
    const tail = Buffer.alloc(Math.min(TAIL_BYTES, size));
    await file.read(tail, 0, tail.length, size - tail.length);
    const lines = tail.toString("utf8").split("\n").slice(0, -1);
    return epochLogSchema.safeParse(parsed(lines.at(-1) ?? "")).data;
  } finally {
    await file.close();
  }
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

/** The part of a plan that is stated here: which code wrote it, and all the rest of it, is the business of `study`. */
const studySchema = z.object({
  name: z.string(),
  about: z.string(),
  seeds: z.array(z.number()),
  cells: z.array(z.object({ id: z.string() })),
});

/**
 * What a study's plan states.
 *
 * @throws AppError("data", "JSON_SYNTAX" | "JSON_SCHEMA") for a damaged plan
 */
export async function studyFacts(dir: string): Promise<StudyFacts> {
  const { name, about, seeds, cells } = await readJson(
    join(dir, "study.json"),
    studySchema,
    "a study's plan",
  );
  return { name, about, cells: cells.length, runs: cells.length * seeds.length };
}

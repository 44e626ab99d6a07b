// Finds and reads a model: a checkpoint file, or the best checkpoint of a run folder.
import { stat } from "node:fs/promises";
import { AppError, isNotFound, missingFile } from "../core/errors.ts";
import { readCheckpoint } from "../engine/checkpoint.ts";
import type { Weights } from "../engine/params.ts";
import { type ModelFacts, modelFactsSchema } from "../models/facts.ts";
import { runPaths } from "./run.ts";

/** A model read from a file. */
export interface LoadedModel {
  readonly path: string;
  readonly facts: ModelFacts;
  readonly weights: Weights;
}

/**
 * Loads a model for prediction.
 *
 * @param target - a checkpoint (.safetensors) or a run folder
 * @throws AppError("data", "FILE_MISSING" | "NOT_A_CHECKPOINT" | "CHECKPOINT_FACTS")
 */
export async function loadModel(target: string): Promise<LoadedModel> {
  const path = (await isFolder(target)) ? runPaths(target).best : target;
  const { weights, facts } = await readCheckpoint(path);
  const parsed = modelFactsSchema.safeParse(facts);
  if (parsed.success) return { path, facts: parsed.data, weights };
  const issue = parsed.error.issues[0]!;
  const message = `Expected valid facts in ${path}, got ${issue.path.join(".")}: ${issue.message}`;
  throw new AppError("data", "CHECKPOINT_FACTS", message, { cause: parsed.error });
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    if (isNotFound(error)) throw missingFile(path, "a checkpoint or run folder");
    throw error;
  }
}

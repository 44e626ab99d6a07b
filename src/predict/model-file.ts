// Finds and reads a model: a checkpoint file, or the best checkpoint of a run folder.
import { dirname, resolve } from "node:path";
import { AppError, missingFile } from "../core/errors.ts";
import type { Checkpoint } from "../engine/checkpoint.ts";
import { readCheckpoint } from "../engine/checkpoint-file.ts";
import type { Weights } from "../engine/params.ts";
import { exists, isFolder, readBytes } from "../machine/files.ts";
import { type ModelFacts, parseFacts } from "../models/facts.ts";
import { foreignModel } from "./checkpoint.ts";
import { checkOneRun, runPaths } from "./run-folder.ts";

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
 * @throws AppError("data", "FILE_MISSING" | "NOT_A_CHECKPOINT" | "CHECKPOINT_FACTS" | "SAFETENSORS_...")
 */
export async function loadModel(target: string): Promise<LoadedModel> {
  const path = await modelPath(target);
  const { weights, facts } = await readKnown(path);
  return { path, facts: parseFacts(facts, path), weights };
}

/**
 * The file that a model's name on the command line means: itself, or the best checkpoint of a run folder.
 *
 * @throws AppError("data", "FILE_MISSING"), ("input", "SEVERAL_SEEDS") for a folder of several runs
 */
export async function modelPath(target: string): Promise<string> {
  if (!(await exists(target))) throw missingFile(target, "a checkpoint or run folder");
  if (!(await isFolder(target))) return target;
  await checkOneRun(target, "the model");
  return runPaths(target).best;
}

/**
 * The run folder that a model is from: itself, or that of a checkpoint which lies in one.
 *
 * @returns undefined for a checkpoint alone
 */
export async function runOf(target: string): Promise<string | undefined> {
  if (await isFolder(target)) return target;
  const dir = dirname(dirname(resolve(target)));
  const { best, last, config } = runPaths(dir);
  return [best, last].includes(resolve(target)) && (await exists(config)) ? dir : undefined;
}

async function readKnown(path: string): Promise<Checkpoint> {
  try {
    return await readCheckpoint(path);
  } catch (error) {
    if (!(error instanceof AppError) || !error.code.startsWith("SAFETENSORS_")) throw error;
    throw foreignModel(error, await readBytes(path, "a checkpoint"), path);
  }
}

// Reads and writes run folders.
import { execFile } from "node:child_process";
import { readdir } from "node:fs/promises";
import { availableParallelism, cpus, release, totalmem } from "node:os";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { z } from "zod";
import { AppError } from "../core/errors.ts";
import { parseJson } from "../core/schema.ts";
import { flagOf } from "../core/words.ts";
import { kernelLibrary } from "../engine/kernels/library.ts";
import { exists, readText, writeJson } from "../machine/files.ts";
import { appendJournal, cutJournal, type JournalFormat, readJournal } from "../machine/journal.ts";
import { makeFolders } from "../machine/make-folders.ts";
import { isSystemFile } from "../machine/sniff-file.ts";
import { sweepTemporaries } from "../machine/temporary.ts";
import type { SourceFacts } from "../models/facts.ts";
import { isRun, runPaths } from "../predict/run-folder.ts";
import { parseStoredConfig, parseTrainConfig, readTrainConfig, type TrainConfig } from "./config.ts";
import { checkPretraining } from "./pretrained.ts";
import { type EpochLog, epochLogSchema, noEpoch } from "./runlog.ts";

/**
 * Starts a run folder, or takes up an unfinished one, whatever its tag claims of its weights. The caller owns its lock.
 *
 * @throws AppError("input", "PRETRAINED" | "RUN_EXISTS" | "RESUME_CONFIG")
 */
export async function openRunFolder(
  dir: string,
  config: TrainConfig,
  sources: readonly SourceFacts[],
  resume: boolean,
): Promise<void> {
  const paths = runPaths(dir);
  if (resume) await sweepRun(dir);
  if (await exists(paths.config)) {
    if (!resume) throw runExists(dir);
    checkSameConfig(config, await readRunConfig(dir), paths.config);
    if (config.kernels !== undefined) await checkSameKernels(paths.environment);
  } else {
    checkPretraining(config);
    // A kill between the two writes leaves the first alone: that too is a run to resume.
    if (await holdsMore(dir, resume ? [basename(paths.environment)] : [])) throw runExists(dir);
    await makeFolders(dir);
    const kernels = config.kernels === undefined ? {} : { kernels: basename(kernelLibrary()) };
    await writeJson(paths.environment, { ...(await describeEnvironment(sources)), ...kernels });
    await writeJson(paths.config, config);
  }
}

/** What kills in the middle of a write left of a run's own files. */
async function sweepRun(dir: string): Promise<void> {
  const { config, environment, log, featuresKey, heldOut, last, best, tensorboard } = runPaths(dir);
  const own = [config, environment, log, featuresKey, heldOut.featuresKey, last, best, tensorboard];
  for (const folder of new Set(own.map(dirname)))
    await sweepTemporaries(folder, (name) => own.includes(join(folder, name)));
}

async function holdsMore(dir: string, expected: readonly string[]): Promise<boolean> {
  if (!(await exists(dir))) return false;
  return (await readdir(dir)).some((name) => !isSystemFile(name) && !expected.includes(name));
}

function runExists(dir: string): AppError {
  return new AppError(
    "input",
    "RUN_EXISTS",
    `Expected a new or empty folder for --out, got ${dir} with files in it`,
    {
      hint: "add --resume to continue that run, or give another --out",
    },
  );
}

function checkSameConfig(given: TrainConfig, stored: TrainConfig, where: string): void {
  for (const key of Object.keys({ ...given, ...stored }) as (keyof TrainConfig)[]) {
    if (JSON.stringify(given[key]) === JSON.stringify(stored[key])) continue;
    const [before, now] = [stored[key], given[key]].map((value) => JSON.stringify(value) ?? "left out");
    const message = `Expected ${flagOf(key)} ${before} as in ${where}, got ${now}`;
    throw new AppError("input", "RESUME_CONFIG", message, {
      hint: "resume with the same flags, or start a new run",
    });
  }
}

/** Refuses operators of other sources, of another compiler or for another processor: they need not compute the same bytes. */
async function checkSameKernels(path: string): Promise<void> {
  const text = await readText(path, "a run's environment.json");
  const { kernels } = parseJson(text, z.looseObject({ kernels: z.string() }), path);
  const now = basename(kernelLibrary());
  if (kernels === now) return;
  const message = `Expected the operators of the run's start, ${kernels} (${path}), got ${now}`;
  throw new AppError("input", "RESUME_CONFIG", message, {
    hint: "resume by the version of facehand, the compiler and the kind of processor that it began with, or start a new run",
  });
}

/** The configuration that a run folder was trained with. */
export async function readRunConfig(dir: string): Promise<TrainConfig> {
  const { config } = runPaths(dir);
  return readTrainConfig(await readText(config, "a run's config.json"), config);
}

/**
 * The configuration of a run that begins, or of one that resumes: there, pixels that are not given anew are what they
 * were.
 *
 * @param input - keys of the schema
 * @param resume - continue if there is such a run
 * @param known - pixels of the weights by the hub's account, for a run that begins
 * @throws as parseTrainConfig, and readRunConfig
 */
export async function configOfRun(
  dir: string,
  input: object,
  { resume, known }: { readonly resume: boolean; readonly known: Partial<Pick<TrainConfig, "pixels">> },
): Promise<TrainConfig> {
  if (!resume || !(await isRun(dir))) return parseTrainConfig({ ...known, ...input });
  const { pixels } = await readRunConfig(dir);
  return parseStoredConfig({ pixels, ...input });
}

const environmentSchema = z.looseObject({
  sources: z.array(z.looseObject({ kind: z.string(), manifestHash: z.string() })),
});

/** Refuses to continue with data that changed since the run began. */
export async function checkSameData(dir: string, sources: readonly SourceFacts[]): Promise<void> {
  const path = runPaths(dir).environment;
  const stored = parseJson(await readText(path, "a run's environment.json"), environmentSchema, path).sources;
  stored.forEach(({ kind, manifestHash }, i) => {
    if (sources[i]?.manifestHash === manifestHash) return;
    throw new AppError(
      "data",
      "DATA_CHANGED",
      `Expected the ${kind} images of the run's start (${path}), got others`,
      {
        hint: "restore the data, or start a new run",
      },
    );
  });
}

/** A run's log. It has no checksums: others read it as JSON lines. */
const LOG: JournalFormat<EpochLog> = {
  what: "a run log",
  schema: epochLogSchema,
  damaged: (line, where) => (line === "" ? undefined : noEpoch(line, where)),
};

/** All epochs logged so far; none if there is no log yet. */
export async function readLog(dir: string): Promise<EpochLog[]> {
  const { log } = runPaths(dir);
  const epochs: EpochLog[] = [];
  if (!(await exists(log))) return epochs;
  for await (const epoch of readJournal(log, LOG)) epochs.push(epoch);
  return epochs;
}

/** Adds one epoch to the end of a run's log. */
export function appendLog(dir: string, epoch: EpochLog): Promise<void> {
  return appendJournal(runPaths(dir).log, LOG, [epoch]);
}

/** Cuts the log back to its first `epochs` epochs; a last line that was cut off by a kill goes too. */
export async function rewindLog(dir: string, epochs: number): Promise<EpochLog[]> {
  const { log } = runPaths(dir);
  return (await exists(log)) ? cutJournal(log, LOG, epochs) : [];
}

interface CodeFacts {
  readonly version: string;
  readonly commit: string | null;
  readonly dependencies: Readonly<Record<string, string>>;
}

let code: Promise<CodeFacts> | undefined;

/** The code of this process, as it was when this was first asked: what is committed later does not run here. */
async function codeFacts(): Promise<CodeFacts> {
  const root = fileURLToPath(new URL("../..", import.meta.url));
  const commit = await promisify(execFile)("git", ["rev-parse", "HEAD"], { cwd: root }).then(
    ({ stdout }) => stdout.trim(),
    () => null, // installed from a registry: no checkout
  );
  const manifest = z.looseObject({ version: z.string(), dependencies: z.record(z.string(), z.string()) });
  const path = join(root, "package.json");
  const { version, dependencies } = parseJson(await readText(path, "package.json"), manifest, path);
  return { version, commit, dependencies };
}

/** Commit, versions and machine, without names of persons or hosts. */
export async function describeEnvironment(sources: readonly SourceFacts[]) {
  code ??= codeFacts();
  const { version, commit, dependencies } = await code;
  return {
    facehand: version,
    commit,
    sources,
    versions: { node: process.version, ...dependencies },
    machine: {
      platform: `${process.platform} ${process.arch} ${release()}`,
      cpu: cpus()[0]?.model ?? "unknown",
      cores: availableParallelism(),
      memoryBytes: totalmem(),
    },
  };
}

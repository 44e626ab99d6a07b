// `release retract`: a new version of a dataset without one person. Invariants: it appears whole or not at all, and what it was made
// of stays as it is; everybody else stays in their split; before it gets its name, its tables, ledger and names of files are
// read again for the person's ids.
import { join } from "node:path";
import { AppError, unexpected } from "../../core/errors.ts";
import type { CheckedDataset } from "../../dataset/check/check.ts";
import { isRepairPending } from "../../dataset/check/repair.ts";
import { openSource } from "../../dataset/sources/sources.ts";
import { isFolder } from "../../machine/files.ts";
import { countFiles, makeFolder } from "../../machine/folder.ts";
import { checkApart } from "../../machine/true-path.ts";
import { besidesOf, writeBesides } from "./besides.ts";
import { nextVersion } from "./changelog.ts";
import { checkRest, lookAlikes } from "./findings.ts";
import { readNote, type StoredNote } from "./note.ts";
import type { Retracted, RetractOptions } from "./options.ts";
import { findPerson } from "./person.ts";
import { findSeen, type Seen } from "./seen.ts";
import { findTaken, namedFrames, type Taken } from "./taken.ts";
import { checkReason } from "./texts.ts";
import { writeVersion } from "./version.ts";

/**
 * Makes a new version of a dataset without one person.
 *
 * @param checked - of checkDataset, with its images
 * @param out - new or empty folder; appears whole or not at all
 * @throws AppError("input", "SUBJECT_UNKNOWN" | "SUBJECT_AMBIGUOUS" | "REASON_NAMES" | "RUNS_MISSING" | "OUT_EXISTS" | "OUT_INSIDE"),
 *   AppError("data", "RETRACT_CHECK" | "REPAIR_PENDING"), Interrupted after the signal
 * @example await retract(await checkDataset("data/pairs"), "data/pairs-2", { subject: "b6f2", madeBy: "1.0.0" })
 */
export async function retract(
  checked: CheckedDataset,
  out: string,
  options: RetractOptions,
): Promise<Retracted> {
  const { root } = checked;
  await checkInputs(root, out, options.runs ?? []);
  const note = await readNote(root);
  const taken = await takenOf(checked, note, options);
  checkRest(checked, taken);
  const version = options.version ?? (note && nextVersion(note.info.version));
  const subjects = new Set(taken.stay.map(({ cells }) => cells.user_id)).size;
  const stated = { ...options, version };
  const make = async (dir: string) => {
    const written = await writeVersion(checked, dir, taken, { note, subjects, stated });
    const after = { version, manifestHash: (await openSource(`pairs:${dir}`)).manifestHash };
    const seen = await seenOf(checked, taken, { out, dir, options });
    const about = { before: { version: note?.info.version, manifestHash: seen.manifestHash }, after };
    const facts = { madeBy: options.madeBy, ...about, ...factsOf(taken, options) };
    const beside = await writeBesides(root, out, { taken, facts, seen });
    return { ...written, seen, beside };
  };
  const { leftOut, seen, beside } = await makeFolder(out, make, {
    count: async (dir, made) => [{ what: "files", made: made.files, found: await countFiles(dir) }],
  });
  const { taken: numbers } = factsOf(taken, options);
  return {
    ...{ version: version ?? null, pairs: taken.stay.length, subjects, taken: numbers, leftOut, beside },
    lookAlikes: lookAlikes(checked, taken),
    seen: { certain: seen.certain, possible: seen.possible, files: seen.files },
  };
}

async function checkInputs(root: string, out: string, runs: readonly string[]): Promise<void> {
  checkApart(out, [root]);
  if (await isRepairPending(root)) {
    throw unexpected("data", {
      code: "REPAIR_PENDING",
      expected: "a dataset whose repair is finished",
      name: root,
      got: "one that was stopped",
      hint: `facehand data repair ${root} --apply`,
    });
  }
  for (const dir of runs) {
    if (await isFolder(dir)) continue;
    const e = { code: "RUNS_MISSING", expected: "a folder with runs or models", name: "--runs", got: dir };
    throw unexpected("input", {
      ...e,
      hint: "give folders that are there; they are searched with all below",
    });
  }
}

async function takenOf(
  { root, layout, rows }: CheckedDataset,
  note: StoredNote | undefined,
  { subject, pseudonyms, reason }: RetractOptions,
): Promise<Taken> {
  const frames = await namedFrames(layout, rows);
  const all = [...new Set(frames.map(({ userId }) => userId))];
  const person = findPerson(subject, { root, all, hashed: note?.hashedIds === true, pseudonyms });
  const taken = await findTaken(layout, { person, rows, frames });
  if (reason !== undefined) {
    const images = frames.filter((frame) => taken.erasure.has(frame)).map(({ imageId }) => imageId);
    const published =
      pseudonyms === undefined ? [] : [pseudonyms.subject(person), ...images.map(pseudonyms.image)];
    checkReason(reason, [subject, person, ...images, ...published]);
  }
  return taken;
}

function factsOf({ gone, frames, alike }: Taken, { reason, runs = [] }: RetractOptions) {
  const splits = [...new Set(gone.map(({ split }) => split))];
  return { taken: { pairs: gone.length, frames: frames + alike, alike, splits }, reason, searched: runs };
}

async function seenOf(
  { root }: CheckedDataset,
  { gone, erasure }: Taken,
  { out, dir, options }: { readonly out: string; readonly dir: string; readonly options: RetractOptions },
): Promise<Seen & { readonly manifestHash: string | undefined }> {
  const { runs = [], signal } = options;
  const manifestHash = await hashOf(root);
  const splits = new Set(gone.map(({ split }) => split));
  const skip = [root, dir, out, ...besidesOf(root), ...besidesOf(out)].map((path) => join(path));
  return { manifestHash, ...(await findSeen(runs, { root, manifestHash, splits, erasure, skip, signal })) };
}

/** As training records it; undefined where faults of the person's own rows, such as a lost image, prevent training as it is. */
async function hashOf(root: string): Promise<string | undefined> {
  try {
    return (await openSource(`pairs:${root}`)).manifestHash;
  } catch (error) {
    if (error instanceof AppError) return undefined;
    throw error;
  }
}

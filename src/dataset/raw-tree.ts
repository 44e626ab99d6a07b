// Where annotations and frames lie in a raw HaGRID tree, as its archives unpack: this file alone knows those layouts.
// Source: github hukenovs/hagrid, README and download.py of its branches. HaGRIDv2 and 2.0: hagrid_annotations/<split>/ and
// hagrid_dataset/<gesture>/, the small ones in a folder such as HaGRIDv2_dataset_512/<gesture>/; the first HaGRID:
// ann_train_val/, ann_test/, ann_subsample/ and train_val_<gesture>/, test/<gesture>/, subsample/<gesture>/.
// Invariants: what is found depends on names alone; of two sets of annotations none is chosen.
import { opendir, readdir } from "node:fs/promises";
import { basename, extname, join, relative, resolve } from "node:path";
import { isNotFound, unexpected } from "../core/errors.ts";
import { HAGRID_GESTURES } from "../core/vocabulary.ts";
import { SPLITS, type Split } from "../core/words.ts";
import { rawGesture } from "./layout.ts";

/** An annotation file and what its place means for its frames. */
export interface RawAnnotations {
  readonly file: string;
  readonly gesture: string;
  /** Split of the source; `train` where its folder names none. */
  readonly split: Split;
  /** The folder names the split: not so for `ann_train_val`, `ann_subsample` and files without split folders. */
  readonly isSplitKnown: boolean;
}

const FLAT = ["annotations", "hagrid_annotations"];
/** Of the first HaGRID; the subsample repeats frames of the others, so it comes last. */
const FIRST = [
  { name: "ann_train_val", split: "train", isSplitKnown: false },
  { name: "ann_test", split: "test", isSplitKnown: true },
  { name: "ann_subsample", split: "train", isSplitKnown: false },
] as const;

/**
 * All annotation files of a raw tree, in the order of their sets; none is no error.
 *
 * @param dir - HaGRID's folder, or the one that its archives were unpacked into
 * @throws AppError("data", "ANNOTATIONS_TWICE") if there are two sets
 */
export async function findAnnotations(dir: string): Promise<RawAnnotations[]> {
  const sets: { readonly at: string; readonly files: RawAnnotations[] }[] = [];
  const first: { at: string; files: RawAnnotations[] } = { at: "", files: [] };
  for (const base of await annotationBases(resolve(dir))) {
    const bySplit = [];
    for (const split of SPLITS) bySplit.push(...(await filesIn(join(base, split), split, true)));
    if (bySplit.length > 0) sets.push({ at: base, files: bySplit });
    const isNamed = FLAT.includes(basename(base));
    const flat = isNamed ? await filesIn(base, "train", false) : [];
    if (flat.length > 0) sets.push({ at: join(base, "*.json"), files: flat });
    for (const { name, split, isSplitKnown } of FIRST) {
      const files = await filesIn(join(base, name), split, isSplitKnown);
      if (files.length === 0) continue;
      first.at ||= join(base, name);
      first.files.push(...files);
    }
  }
  const isSample = ({ file }: RawAnnotations) => file.includes("ann_subsample");
  first.files.sort((a, b) => Number(isSample(a)) - Number(isSample(b)));
  if (first.files.length > 0) sets.push(first);
  if (sets.length > 1) {
    const got = sets.map(({ at }) => relative(resolve(dir), at) || ".").join(" and ");
    const e = { code: "ANNOTATIONS_TWICE", expected: "one set of annotations", name: "HaGRID's folder", got };
    throw unexpected("data", { ...e, where: dir, hint: "move away those that are not meant" });
  }
  return sets[0]?.files ?? [];
}

/** Folders that may hold sets of annotations: the tree, what it may unpack into, and one folder deeper. */
async function annotationBases(dir: string): Promise<string[]> {
  const bases = [dir];
  for (const name of await foldersIn(dir)) {
    if (SPLITS.some((split) => split === name) && (await jsonIn(join(dir, name))).length > 0) continue;
    bases.push(join(dir, name), ...FLAT.map((inner) => join(dir, name, inner)));
  }
  return bases;
}

async function filesIn(folder: string, split: Split, isSplitKnown: boolean): Promise<RawAnnotations[]> {
  return (await jsonIn(folder)).map((name) => {
    const gesture = name.slice(0, -".json".length);
    return { file: join(folder, name), gesture, split, isSplitKnown };
  });
}

async function jsonIn(folder: string): Promise<string[]> {
  return (await list(folder)).filter(({ name }) => /^[^.].*\.json$/.test(name)).map(({ name }) => name);
}

async function foldersIn(folder: string): Promise<string[]> {
  const entries = (await list(folder)).filter((entry) => entry.isDirectory() || entry.isSymbolicLink());
  return entries.map(({ name }) => name).filter((name) => !/^\.|^__MACOSX$/.test(name));
}

async function list(folder: string) {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    return entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch (error) {
    if (isNotFound(error)) return [];
    throw error;
  }
}

const isGesture = (name: string) =>
  HAGRID_GESTURES.some((gesture) => name === gesture || name === `train_val_${gesture}`);

/** HaGRID's own. */
const ENDING = ".jpg";

/**
 * Where a frame may be in folders of its gesture: as HaGRID calls it, then with other endings of pictures that are there
 * (`.jpeg`, `.JPG`, `.png`: frames that were encoded again), as they are written.
 *
 * @param folders - in the order in which a frame is searched for
 * @returns names of the frame with an id, in the order in which they count
 * @example (await framePlaces(["hagrid/palm"]))("<id>") // ["hagrid/palm/<id>.jpg"]
 */
export async function framePlaces(folders: readonly string[]): Promise<(id: string) => string[]> {
  const others = [];
  for (const folder of folders)
    for (const ending of await otherEndings(folder)) others.push([folder, ending] as const);
  const all = [...folders.map((folder) => [folder, ENDING] as const), ...others];
  return (id) => all.map(([folder, ending]) => join(folder, `${id}${ending}`));
}

/** Streamed, as folders have tens of thousands of frames. */
async function otherEndings(folder: string): Promise<string[]> {
  const found = new Set<string>();
  try {
    for await (const { name } of await opendir(folder)) {
      if (/^[^.].*\.(jpe?g|png)$/i.test(name)) found.add(extname(name));
    }
  } catch (error) {
    if (!isNotFound(error)) throw error; // a link to nothing
  }
  found.delete(ENDING);
  return [...found].sort();
}

/** Finds the folders of a gesture's frames. */
export interface RawFrames {
  /** In the order in which a frame is searched for; none if there is no folder of the gesture. */
  foldersOf(gesture: string): readonly string[];
}

/**
 * Searches a raw tree for folders of gestures, two folders deep: `<gesture>/` and `train_val_<gesture>/`.
 *
 * @param dir - as for `findAnnotations`
 * @param gestures - whose frames are searched for
 */
export async function findFrames(dir: string, gestures: readonly string[]): Promise<RawFrames> {
  const root = resolve(dir);
  const wanted = new Map(
    gestures.flatMap((gesture) => [gesture, `train_val_${gesture}`].map((n) => [n, gesture])),
  );
  const found = new Map<string, string[]>(gestures.map((gesture) => [gesture, []]));
  const inside = async (base: string): Promise<string[]> => {
    const others: string[] = [];
    for (const name of await foldersIn(base)) {
      const gesture = wanted.get(name);
      if (gesture === undefined) {
        if (!isGesture(name)) others.push(rawGesture(base, name)); // avoids listing thousands of frames
      } else found.get(gesture)!.push(rawGesture(base, name));
    }
    return others.sort((a, b) => Number(b.endsWith("images")) - Number(a.endsWith("images")));
  };
  for (const base of await inside(root)) for (const inner of await inside(base)) await inside(inner);
  return { foldersOf: (gesture) => found.get(gesture) ?? [] };
}

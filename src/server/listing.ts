// Datasets, runs and studies under some folders, and the files of each that may be asked for.
// Invariants: links are not followed, neither of folders nor of files; a file is served only by a name that its listing has, and
// the place of each name is known before anybody asks.
import type { Dirent } from "node:fs";
import { lstat, readdir } from "node:fs/promises";
import { basename, join, relative } from "node:path";
import { AppError } from "../core/errors.ts";
import { locate } from "../dataset/layout.ts";
import { sha256 } from "../machine/files.ts";
import { truePath } from "../machine/true-path.ts";
import type { ListedFile, Thing, ThingKind } from "./api.ts";
import { datasetFacts, runFacts, studyFacts } from "./facts.ts";

/** How deep folders below a given one, or below a study, are searched, and how many of them at most. */
const DEPTH = 4;
const FOLDERS = 5000;
const SKIPPED = /^\.|^node_modules$|\.partial$/;

/** A thing with the places of what may be asked for. */
export interface Found {
  readonly thing: Thing;
  readonly dir: string;
  /** By name. */
  readonly files: ReadonlyMap<string, string>;
  /** Crops by name; of datasets only. */
  readonly pictures: ReadonlyMap<string, string>;
}

/** What was found. */
export interface Finds {
  readonly found: readonly Found[];
  readonly passedOver: readonly string[];
}

/** How a kind of folder is recognised, and what of it may be asked for, by its path below. */
interface KindOf {
  readonly kind: ThingKind;
  readonly has: string;
  readonly offers: RegExp;
  /** Folders with more of it, and how deep. */
  readonly folders: Readonly<Record<string, number>>;
}

const KINDS: readonly KindOf[] = [
  {
    kind: "dataset",
    has: "train.csv",
    offers: /^((train|val|test)\.csv|ledger\.(csv|parquet)|manifest\.json)$/,
    folders: {},
  },
  {
    kind: "run",
    has: "config.json",
    offers:
      /^((config|environment)\.json|log\.jsonl|predictions\/\w+\.parquet|checkpoints\/\w+\.safetensors)$/,
    folders: { predictions: 1, checkpoints: 1 },
  },
  {
    kind: "study",
    has: "study.json",
    offers: /^(study\.json|evaluations\/[^/]+\/seed_\d+\/[^/]+\/\w+\.parquet)$/,
    folders: { evaluations: 4 },
  },
];

/**
 * Finds datasets, runs and studies.
 *
 * @param roots - folders, themselves included; as they were given
 * @throws AppError("input", "SERVE_FOLDER") for a root that is no folder
 * @example (await findThings(["data", "runs"])).found[0]?.thing.kind
 */
export async function findThings(roots: readonly string[]): Promise<Finds> {
  const found: Found[] = [];
  const passedOver: string[] = [];
  const seen = new Set<string>();
  for (const root of roots) {
    const real = truePath(root);
    const base = roots.length === 1 ? "" : basename(real);
    const visit = async (dir: string, depth: number): Promise<void> => {
      if (seen.has(dir)) return;
      if (seen.size >= FOLDERS)
        return void passedOver.push(`${join(base, relative(real, dir))}: too many folders`);
      seen.add(dir);
      const entries = await entriesOf(dir, () =>
        passedOver.push(`${join(base, relative(real, dir))}: cannot be read`),
      );
      const place = join(base, relative(real, dir)) || ".";
      const kind = KINDS.find(({ has }) => entries.some((entry) => entry.isFile() && entry.name === has));
      if (kind !== undefined) found.push(await describe(kind, dir, place, entries));
      const below = entries.filter((entry) => entry.isDirectory() && !SKIPPED.test(entry.name));
      if (kind?.kind === "dataset" || kind?.kind === "run" || depth === DEPTH) return;
      // A study's runs lie three folders below it.
      for (const { name } of below) await visit(join(dir, name), kind === undefined ? depth + 1 : 1);
    };
    await visit(real, 0);
  }
  return { found, passedOver };
}

async function entriesOf(dir: string, unreadable: () => void): Promise<Dirent[]> {
  try {
    const entries = await readdir(dir, { withFileTypes: true });
    return entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch {
    unreadable();
    return [];
  }
}

async function describe(
  { kind, offers, folders }: KindOf,
  dir: string,
  place: string,
  entries: readonly Dirent[],
): Promise<Found> {
  const files = new Map<string, string>();
  const listed: ListedFile[] = [];
  let changedMs = 0;
  const offer = async (name: string, entry: Dirent) => {
    if (!entry.isFile() || !offers.test(name)) return;
    const path = join(dir, name);
    const { size, mtimeMs } = await lstat(path);
    files.set(name, path);
    listed.push({ name, sizeBytes: size });
    changedMs = Math.max(changedMs, mtimeMs);
  };
  const offerBelow = async (folder: string, depth: number): Promise<void> => {
    if (depth === 0) return;
    for (const inner of await entriesOf(join(dir, folder), () => undefined)) {
      const name = `${folder}/${inner.name}`;
      await offer(name, inner);
      if (inner.isDirectory()) await offerBelow(name, depth - 1);
    }
  };
  for (const entry of entries) {
    await offer(entry.name, entry);
    if (entry.isDirectory()) await offerBelow(entry.name, folders[entry.name] ?? 0);
  }
  const { pictures, ...facts } = await inspect(kind, dir);
  const thing: Thing = {
    id: sha256(dir).slice(0, 24),
    kind,
    place,
    changed: new Date(changedMs).toISOString(),
    files: listed,
    pictures: pictures.size,
    ...facts,
  };
  return { thing, dir, files, pictures };
}

interface Inside extends Pick<Thing, "dataset" | "run" | "study" | "trouble"> {
  readonly pictures: ReadonlyMap<string, string>;
}

/** Reads what shows whether a folder is whole; pictures are listed from the folders, since tables may be wrong. */
async function inspect(kind: ThingKind, dir: string): Promise<Inside> {
  const pictures = new Map<string, string>();
  try {
    if (kind === "run") return { pictures, run: await runFacts(dir) };
    if (kind === "study") return { pictures, study: await studyFacts(dir) };
    const { images } = await locate(dir);
    for (const folder of [...Object.values(images), join(dir, "removed_faces"), join(dir, "removed_hands")])
      for (const entry of await entriesOf(folder, () => undefined))
        if (entry.isFile() && /\.jpe?g$/i.test(entry.name))
          pictures.set(entry.name, join(folder, entry.name));
    return { pictures, dataset: await datasetFacts(dir) };
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    const { code, message, hint } = error;
    return {
      pictures,
      trouble: { code, message: withoutPlace(message, dir), hint: hint && withoutPlace(hint, dir) },
    };
  }
}

/** The page is sent no place of this machine. */
const withoutPlace = (text: string, dir: string) => text.replaceAll(dir, "(this folder)");

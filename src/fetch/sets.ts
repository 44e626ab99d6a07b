// The sets that `facehand data fetch` knows by name, and links: which files, and where they belong.
// Sources: published.ts. Invariant: a fetched dataset is one that `showDataset` reads, or the fetch ends with what is
// wrong with it.
import { readdir } from "node:fs/promises";
import { unexpected } from "../core/errors.ts";
import { ANNOTATIONS, IMAGES, placeAnnotations, placeFrame, placeImage } from "../dataset/layout.ts";
import { isSystemFile } from "../machine/sniff-file.ts";
import { checkedDataset, fetchPublished, fetchShared, publishedFolder } from "./bundle.ts";
import { parseDriveLink } from "./drive-link.ts";
import { fetchUnits } from "./fetch.ts";
import { addressOf } from "./http/address.ts";
import { retrying } from "./http/retry.ts";
import { fetchHubDataset } from "./hub/dataset.ts";
import { isHubName } from "./hub/repository.ts";
import { parseMirror } from "./mirror.ts";
import { ownName, safeName, urlName } from "./names.ts";
import { hagridArchive, PUBLISHED, type PublishedFile } from "./published.ts";
import { type FetchOptions, type FetchSummary, type FetchUnit, unitOf } from "./unit.ts";

/** The best checkpoints that UnifiedGenderNet names. */
export const BEST = ["best-umcc", "best-mag"] as const;
export type Best = (typeof BEST)[number];

/** The published file of one of them. */
export function bestCheckpoint(which: Best): PublishedFile {
  return which === "best-umcc" ? PUBLISHED.checkpoints.bestUmcc : PUBLISHED.checkpoints.bestMag;
}

/**
 * The published dataset of pairs, unpacked, in one folder.
 *
 * @param dir - becomes the dataset's folder
 * @throws as fetchUnits, and what is wrong with the dataset as published, once all of it is there
 * @example await fetchDerivedHagrid("fetch/published")
 */
export async function fetchDerivedHagrid(dir: string, options: FetchOptions = {}): Promise<FetchSummary> {
  const { images, csv } = PUBLISHED.derivedHagrid;
  const unpack = [{ folder: IMAGES, place: placeImage }];
  const units = [...csv.map((file) => ({ file })), { file: images, unpack }];
  return checkedDataset(await fetchUnits(units, dir, options));
}

/**
 * UnifiedGenderNet's checkpoints: all that its folder holds, or the best of one architecture.
 *
 * @throws AppError("input", "MIRROR") for all of a mirror that is an address: it has no list; as fetchUnits
 */
export async function fetchCheckpoints(
  dir: string,
  which: Best | "all",
  options: FetchOptions = {},
): Promise<FetchSummary> {
  const units = which === "all" ? await allCheckpoints(options) : [{ file: bestCheckpoint(which) }];
  return fetchUnits(units, dir, options);
}

async function allCheckpoints(options: FetchOptions): Promise<FetchUnit[]> {
  if (options.mirror === undefined) return listDrive(PUBLISHED.checkpoints.folder.drive, options);
  const { folder } = await parseMirror(options.mirror);
  const names =
    folder === undefined
      ? []
      : (await readdir(folder)).filter((name) => name.endsWith(".pt") && !isSystemFile(name));
  if (names.length > 0) return names.sort().map((name) => unitOf(name, PUBLISHED.checkpoints.folder));
  const expected = "a folder with .pt files, or one checkpoint (--best-umcc, --best-mag)";
  throw unexpected("input", { code: "MIRROR", expected, name: "--mirror", got: options.mirror });
}

/** The table of UnifiedGenderNet's metrics. */
export async function fetchMetrics(dir: string, options: FetchOptions = {}): Promise<FetchSummary> {
  return fetchUnits([{ file: PUBLISHED.metrics }], dir, options);
}

/** HaGRID's annotations, as `annotations/<split>/<gesture>.json` below the folder. */
export async function fetchHagridAnnotations(dir: string, options: FetchOptions = {}): Promise<FetchSummary> {
  const unpack = [{ folder: ANNOTATIONS, place: placeAnnotations }];
  return fetchUnits([{ file: PUBLISHED.hagridAnnotations, unpack }], dir, options);
}

/** HaGRID's frames: full size, or with a shorter side of 512 px (one archive of all gestures). */
export const FRAME_SIZES = ["full", "512"] as const;
export type FrameSize = (typeof FRAME_SIZES)[number];

/**
 * Frames of HaGRID, as `<gesture>/<id>.jpg` below the folder: what `derive` reads, with the annotations beside them.
 *
 * @throws AppError("input", "UNKNOWN_GESTURE"); as fetchUnits
 * @example await fetchHagrid("hagrid", ["palm", "stop"])
 */
export async function fetchHagrid(
  dir: string,
  gestures: readonly string[],
  { size = "full", ...options }: FetchOptions & { readonly size?: FrameSize | undefined } = {},
): Promise<FetchSummary> {
  const wanted = [...new Set(gestures)];
  const archives = wanted.map(hagridArchive); // refuses unknown gestures for both sizes
  const target = (folder: string) => ({ folder, place: placeFrame(folder, size === "512") });
  const units =
    size === "512"
      ? [{ file: PUBLISHED.hagrid512, unpack: wanted.map(target) }]
      : wanted.map((gesture, i) => ({ file: archives[i]!, unpack: [target(gesture)] }));
  return fetchUnits(units, dir, options);
}

/** How to fetch a link. */
export interface LinkOptions extends Omit<FetchOptions, "mirror"> {
  /** File name; default: the one that Drive or the address has. */
  readonly name?: string | undefined;
  /** What the file's SHA-256 has to be, 64 hex digits; of one file only. */
  readonly sha256?: string | undefined;
}

/**
 * A file by its address or by `drive:ID`, or the files of `drive-folder:ID`; the links that Drive gives are known too.
 * A folder on disk, an address that ends in `/`, one of SHA256SUMS, or `hf:datasets/USER/NAME`: all files that SHA256SUMS there
 * names, checked.
 *
 * @throws AppError("input", "LINK" | "NAME" | "ADDRESS" | "ADDRESS_USER"), as fetchUnits
 */
export async function fetchLink(link: string, dir: string, options: LinkOptions = {}): Promise<FetchSummary> {
  const { sha256, ...rest } = options;
  const name = options.name === undefined ? undefined : ownName(options.name);
  if (isHubName(link)) {
    refuseOfMany({ name, sha256 });
    return fetchHubDataset(link, dir, rest);
  }
  const shared = parseDriveLink(link);
  const published = name === undefined && shared === undefined ? await publishedFolder(link) : undefined;
  if (published !== undefined || (shared !== undefined && "folder" in shared)) refuseOfMany({ name, sha256 });
  if (published !== undefined) return fetchPublished(published, dir, rest);
  if (shared === undefined) return fetchUnits([unitOf(nameOf(link, name), { url: link }, sha256)], dir, rest);
  if ("folder" in shared) return fetchShared(await listDrive(shared.folder, rest), dir, rest);
  const file = name ?? (await driveName(shared.file, rest));
  return fetchUnits([unitOf(file, { drive: shared.file }, sha256)], dir, rest);
}

/** The address is judged in either case, before anything is made. */
function nameOf(link: string, name: string | undefined): string {
  if (name === undefined) return urlName(link);
  addressOf(link, "what to fetch");
  return name;
}

/** What is given for one file means nothing for a folder. */
function refuseOfMany(given: Readonly<Record<"name" | "sha256", string | undefined>>): void {
  for (const [key, got] of Object.entries(given)) {
    if (got === undefined) continue;
    throw unexpected("input", {
      code: "LINK",
      expected: "it of one file, not of a folder",
      name: `--${key}`,
      got,
    });
  }
}

async function visit({ driveEndpoint: endpoint, ...options }: FetchOptions) {
  const { openDrive } = await import("./drive.ts");
  return openDrive({ ...options, endpoint });
}

async function listDrive(folderId: string, options: FetchOptions): Promise<FetchUnit[]> {
  const entries = await (await visit(options)).list(folderId);
  return entries.map(({ id, path }) => unitOf(path, { drive: id }));
}

async function driveName(id: string, options: FetchOptions): Promise<string> {
  const { name } = await retrying(async () => (await visit(options)).locate(id), options);
  if (name !== undefined) return safeName(name);
  throw unexpected("input", {
    code: "LINK",
    expected: "a name, which Drive does not give",
    name: "--name",
    got: name,
  });
}

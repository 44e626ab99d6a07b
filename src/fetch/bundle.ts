// Published folders with a list of hashes beside their files (SHA256SUMS), above all what `release bundle` writes.
// Invariants: every file of the list is brought and has its hash, or the fetch ends with the first that has not, which
// is removed; the archives of a bundle are unpacked where the dataset had their files. The exception are a bundle's Parquet
// shards: they hold its tables and its archive once more, for other programs, and are left where they are.
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { AppError, isNotFound } from "../core/errors.ts";
import { IMAGES, isShard, placeImage, placeRemoved, REMOVED_FOLDERS } from "../dataset/layout.ts";
import { scanPairs } from "../dataset/store.ts";
import { fetchUnits } from "./fetch.ts";
import { addressOf, isWebAddress } from "./http/address.ts";
import { checkPaths } from "./names.ts";
import { readSums, SUMS, type Sums } from "./sums.ts";
import { type FetchOptions, type FetchSummary, type FetchUnit, unitOf } from "./unit.ts";

/** Archives of a bundle, and the folder of the dataset that each is unpacked into. */
const ARCHIVES: Readonly<Record<string, NonNullable<FetchUnit["unpack"]>>> = {
  "aligned_dataset.zip": [{ folder: IMAGES, place: placeImage }],
  ...Object.fromEntries(
    Object.values(REMOVED_FOLDERS).map((folder) => [
      `${folder}.zip`,
      [{ folder, place: placeRemoved(folder) }],
    ]),
  ),
};

/**
 * Where a published folder is, if a link means one: an existing folder, an address that ends in `/`, or its SHA256SUMS.
 *
 * @returns as FetchOptions.mirror
 * @throws AppError("input", "ADDRESS" | "ADDRESS_USER")
 */
export async function publishedFolder(link: string): Promise<string | undefined> {
  if (isWebAddress(link)) {
    const url = addressOf(link, "what to fetch");
    if (url.pathname.endsWith(`/${SUMS}`)) {
      url.pathname = url.pathname.slice(0, -SUMS.length);
      url.search = ""; // of the list alone
    }
    url.hash = "";
    return url.pathname.endsWith("/") && url.search === "" ? url.href : undefined;
  }
  try {
    return (await stat(link)).isDirectory() ? link : undefined;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/** What a dataset is made of; shards beside all of it say nothing new. */
const PAIR_FILES = ["aligned_dataset.zip", "train.csv", "val.csv", "test.csv"];
const isDataset = (sums: Sums) => PAIR_FILES.every((name) => sums.has(name));
const isRepeated = (name: string, sums: Sums) => isDataset(sums) && isShard(name);

/**
 * Everything that the SHA256SUMS of a folder names, each file checked against it; of a bundle without its Parquet shards.
 *
 * @param place - folder or address with SHA256SUMS in it
 * @throws AppError("data", "SUMS_LINE") for a list that is none, as fetchUnits; REMOTE_CHECKSUM names the file that
 *   does not match the list; of a dataset what is wrong with it, once all of it is there
 * @example await fetchPublished("https://example.org/release/", "fetch/published")
 */
export async function fetchPublished(
  place: string,
  dir: string,
  options: FetchOptions = {},
): Promise<FetchSummary> {
  const from = { url: place };
  const list = await fetchUnits([unitOf(SUMS, from)], dir, { ...options, mirror: place });
  const sums = await readSums(join(dir, SUMS));
  checkPaths([SUMS, ...sums.keys()]);
  const wanted = [...sums].filter(([name]) => !isRepeated(name, sums));
  const units = wanted.map(([name, sha256]) => withFolders(unitOf(name, from, sha256)));
  return joined(list, await fetchUnits(units, dir, { ...options, mirror: place }), sums);
}

/**
 * The files of a shared folder; if SHA256SUMS is among them, as fetchPublished.
 *
 * @param units - all that the folder holds
 * @throws AppError("data", "SUMS_OTHER") for a list that names other files; as fetchPublished
 */
export async function fetchShared(
  units: readonly FetchUnit[],
  dir: string,
  options: FetchOptions,
): Promise<FetchSummary> {
  const own = units.find(({ path }) => path === SUMS);
  if (own === undefined) return fetchUnits(units, dir, options);
  const list = await fetchUnits([own], dir, options);
  const sums = await readSums(join(dir, SUMS));
  const others = units.filter((unit) => unit !== own);
  const names = new Set(others.map(({ path }) => path!));
  const odd = [...names].find((name) => !sums.has(name)) ?? [...sums.keys()].find((name) => !names.has(name));
  if (odd !== undefined) throw other(odd, sums);
  const wanted = others.filter(({ path }) => !isRepeated(path!, sums));
  const known = wanted.map(({ file, path }) =>
    withFolders({ file: { ...file, sha256: sums.get(path!)! }, path: path! }),
  );
  return joined(list, await fetchUnits(known, dir, options), sums);
}

function other(name: string, sums: Sums): AppError {
  const got = sums.has(name) ? `no ${name} in the folder` : `${name}, which it does not name`;
  const message = `Expected the folder to hold the files that its ${SUMS} names, got ${got}`;
  return new AppError("data", "SUMS_OTHER", message, {
    hint: "ask the publisher; each file can be fetched by its own link, without a check",
  });
}

function withFolders(unit: FetchUnit): FetchUnit {
  const unpack = Object.hasOwn(ARCHIVES, unit.path!) ? ARCHIVES[unit.path!] : undefined;
  return unpack === undefined ? unit : { ...unit, unpack };
}

async function joined(list: FetchSummary, rest: FetchSummary, sums: Sums): Promise<FetchSummary> {
  const repeated = [...sums.keys()].filter((name) => isRepeated(name, sums));
  const all = {
    ...rest,
    files: [...list.files, ...rest.files],
    ...(repeated.length === 0 ? {} : { repeated }),
  };
  return isDataset(sums) ? checkedDataset(all) : all;
}

/**
 * Refuses a fetched dataset with rows or files that cannot be used; it stays as it was published.
 *
 * @throws AppError("data", ...) as scanPairs finds the first
 */
export async function checkedDataset(done: FetchSummary): Promise<FetchSummary> {
  const { problems } = await scanPairs(done.dir);
  const [first] = problems;
  if (first === undefined) return done;
  const hint = `all files are there as they were published; facehand data check ${done.dir} lists all that is wrong`;
  const message = `${first.message}; ${problems.length} such rows or files in all`;
  throw new AppError("data", first.code, message, { hint, cause: first });
}

// Brings files into a folder, several at a time, and unpacks those that are archives.
// Invariants: a file or an unpacked folder is absent, or whole and as noted in `fetched.json`; what is there is checked
// against its note and never replaced; stopped at any moment, the same call continues with what is there.
import { rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { unexpected } from "../core/errors.ts";
import { unpackZip } from "../formats/zip/archive.ts";
import { checkRoom } from "../machine/disk.ts";
import { exists } from "../machine/files.ts";
import { clearLock, withLock } from "../machine/lock.ts";
import { makeFolders } from "../machine/make-folders.ts";
import { mapOrdered } from "../machine/pool.ts";
import { sweepTemporaries } from "../machine/temporary.ts";
import { checkApart } from "../machine/true-path.ts";
import type { Drive } from "./drive.ts";
import { checkFile, checkFolder, type FetchRecord, type FolderNote, openRecord, RECORD } from "./fetched.ts";
import { showUrl } from "./http/address.ts";
import { type DownloadOptions, download } from "./http/download.ts";
import { Meter } from "./http/meter.ts";
import type { Patience } from "./http/patience.ts";
import type { RetryOptions } from "./http/retry.ts";
import { copyFromFolder, type Mirror, mirrorUrl, parseMirror } from "./mirror.ts";
import { checkPaths } from "./names.ts";
import { mirrorSums, type Sums } from "./sums.ts";
import type {
  FetchedFile,
  FetchedFolder,
  FetchOptions,
  FetchSummary,
  FetchUnit,
  UnpackTarget,
} from "./unit.ts";

interface Run {
  readonly dir: string;
  readonly options: FetchOptions;
  readonly record: FetchRecord;
  /** A visitor of Google Drive, for what lies there. */
  readonly drive: () => Promise<Drive>;
  readonly mirror: Mirror | undefined;
  readonly signal: AbortSignal;
  readonly meter: Meter;
  /** Hashes beside the files of the mirror, asked for once, when the first file is brought. */
  readonly sums: () => Promise<Sums | undefined>;
}

interface Brought {
  readonly files: readonly FetchedFile[];
  readonly folders: readonly FetchedFolder[];
}

/**
 * Brings files into a folder.
 *
 * @param dir - made if it is not there; may hold what was fetched before
 * @throws AppError("data", "FETCHED_UNKNOWN") for a file or folder in the way that no fetch has brought,
 *   AppError("data", "FETCHED_CHANGED") for one that is not as it came, AppError("data", "FETCHED_OTHER") for one that
 *   is published with another hash by now; AppError("input", "LOCKED") while another process fetches into the folder;
 *   AppError("remote", "REMOTE_NAME") for names that some system takes for others, or that are reserved for this program
 * @throws as download, unpackZip, and Drive.locate; Interrupted after the signal
 * @example await fetchUnits([{ file: PUBLISHED.metrics }], "metrics")
 */
export async function fetchUnits(
  units: readonly FetchUnit[],
  dir: string,
  options: FetchOptions = {},
): Promise<FetchSummary> {
  const from = options.mirror === undefined ? undefined : await parseMirror(options.mirror); // before anything is made
  if (from?.folder !== undefined) checkApart(dir, [from.folder]);
  checkPaths(units.flatMap((unit) => [pathOf(unit), ...(unit.unpack ?? []).map(({ folder }) => folder)]));
  if (await allThere(units, dir, options)) {
    await clearLock(dir);
    return await fetchAll(units, dir, options); // reads only: several may, at once
  }
  return await withLock(dir, `the folder ${dir}`, async (lock) => {
    await makeFolders(dir);
    await sweepTemporaries(dir, (name) => name === RECORD || name.endsWith(".part.json"));
    return await fetchAll(units, dir, options, lock.lost);
  });
}

async function allThere(
  units: readonly FetchUnit[],
  dir: string,
  { keepArchives = false }: FetchOptions,
): Promise<boolean> {
  const names = units.flatMap((unit) => [
    ...(unit.unpack ?? []).map(({ folder }) => folder),
    ...(unit.unpack === undefined || keepArchives ? [pathOf(unit)] : []),
  ]);
  for (const name of names) if (!(await exists(join(dir, name)))) return false;
  return true;
}

async function fetchAll(
  units: readonly FetchUnit[],
  dir: string,
  options: FetchOptions,
  lost?: AbortSignal,
): Promise<FetchSummary> {
  const { jobs = 3, mirror, driveEndpoint: endpoint } = options;
  const siblings = new AbortController();
  const outer = [lost, options.signal].filter((one) => one !== undefined);
  const signal = AbortSignal.any([siblings.signal, ...outer]);
  const place = mirror === undefined ? undefined : await parseMirror(mirror);
  const run: Run = {
    ...{ dir, options, signal, mirror: place },
    sums: once(async () =>
      place === undefined
        ? undefined
        : mirrorSums(place, { ...retryOf(options), headers: options.mirrorHeaders, signal }),
    ),
    record: await openRecord(dir),
    drive: once(async () => {
      const { openDrive } = await import("./drive.ts");
      return openDrive({ ...retryOf(options), signal, endpoint });
    }),
    meter: new Meter(options.onProgress),
  };
  await checkRoom(dir, await bytesNeeded(units, run, jobs));
  let fault: unknown;
  const work = async (unit: FetchUnit) => {
    try {
      return await bring(unit, run);
    } catch (error) {
      fault ??= error; // the first one; the others stop because of it
      siblings.abort();
      throw error;
    }
  };
  const all: Brought[] = [];
  try {
    for await (const brought of mapOrdered(units, jobs, work)) all.push(brought);
  } catch (error) {
    throw fault ?? error;
  }
  return { dir, files: all.flatMap(({ files }) => files), folders: all.flatMap(({ folders }) => folders) };
}

/** The same promise at every call. */
function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

const pathOf = ({ file, path = file.name }: FetchUnit) => path;

function retryOf(options: FetchOptions): RetryOptions & Patience {
  const { retries, waitMs, clock, idleMs, leastRate, onStep } = options;
  const onWait: RetryOptions["onWait"] = (ms, { message }) =>
    onStep?.(`waiting ${Math.ceil(ms / 1000)} s: ${message}`);
  return { onWait, retries, waitMs, clock, idleMs, leastRate };
}

/** Roughly: packed pictures are as large as unpacked ones. Each download and archive is judged exactly later. */
async function bytesNeeded(units: readonly FetchUnit[], run: Run, jobs: number): Promise<number> {
  let stays = 0;
  const passing: number[] = [];
  for (const unit of units) {
    const path = join(run.dir, pathOf(unit));
    const folders = (unit.unpack ?? []).map(({ folder }) => join(run.dir, folder));
    const there = await Promise.all([path, ...folders].map(exists));
    if (there.some(Boolean)) continue;
    const bytes = await expectedBytes(unit, run);
    const toCome = Math.max(0, bytes - (await sizeOr(0, `${path}.part`)));
    stays += unit.unpack === undefined ? toCome : bytes;
    if (unit.unpack !== undefined) passing.push(toCome);
  }
  const most = passing.sort((a, b) => b - a).slice(0, run.options.keepArchives === true ? undefined : jobs);
  return stays + most.reduce((sum, bytes) => sum + bytes, 0);
}

/** What a mirror holds may be a part of what is published. */
async function expectedBytes(unit: FetchUnit, { mirror }: Run): Promise<number> {
  const { sizeBytes, aboutBytes } = unit.file;
  if (mirror?.folder !== undefined) return await sizeOr(0, join(mirror.folder, pathOf(unit)));
  return sizeBytes ?? (mirror === undefined ? aboutBytes : null) ?? 0;
}

async function sizeOr(none: number, path: string): Promise<number> {
  return (await exists(path)) ? (await stat(path)).size : none;
}

async function bring(unit: FetchUnit, run: Run): Promise<Brought> {
  const { dir, options, record } = run;
  const path = pathOf(unit);
  checkPublished(join(dir, path), record.file(path)?.sha256, unit.file.sha256);
  if (unit.unpack === undefined) return { files: [await bringFile(unit, run)], folders: [] };
  const folders: FetchedFolder[] = [];
  const missing: UnpackTarget[] = [];
  for (const target of unit.unpack) {
    if (await exists(join(dir, target.folder))) folders.push(await keepFolder(target.folder, run));
    else missing.push(target);
  }
  const keep = options.keepArchives === true;
  const archive = missing.length > 0 || keep ? await bringFile(unit, run) : undefined;
  for (const target of missing) folders.push(await unpackInto(target, path, run));
  if (!keep && record.file(path) !== undefined) await rm(join(dir, path), { force: true });
  return { files: keep && archive !== undefined ? [archive] : [], folders };
}

async function keepFolder(name: string, { dir, record, options, signal }: Run): Promise<FetchedFolder> {
  options.onStep?.(`checking ${name}`);
  return { name, ...(await checkFolder(dir, name, record, signal)), kept: true };
}

async function bringFile(unit: FetchUnit, run: Run): Promise<FetchedFile> {
  const { dir, record, mirror, signal, options, meter } = run;
  const { file } = unit;
  const name = pathOf(unit);
  const path = join(dir, name);
  if (await exists(path)) {
    options.onStep?.(`checking ${name}`);
    const { sizeBytes, sha256 } = await checkFile(dir, name, record);
    return { name, sizeBytes, sha256, kept: true };
  }
  const noted = record.file(name);
  const published = file.sha256 ?? (await run.sums())?.get(name);
  checkPublished(path, noted?.sha256, published);
  const sha256 = published ?? noted?.sha256;
  const sizeBytes = file.sizeBytes ?? noted?.sizeBytes;
  const onProgress = meter.open(await expectedBytes(unit, run));
  const common: DownloadOptions = {
    ...{ ...retryOf(options), signal, onProgress, sha256, sizeBytes },
    onChecked: (found) =>
      record.noteFile(name, { from: originOf(unit, run), sizeBytes: found.sizeBytes, sha256: found.sha256 }),
  };
  await makeFolders(dirname(path));
  const got =
    mirror?.folder === undefined
      ? await downloadFrom(unit, path, run, common)
      : await copyFromFolder(join(mirror.folder, name), path, common);
  return { name, sizeBytes: got.sizeBytes, sha256: got.sha256, kept: false };
}

/** What came once is not mixed with what is published now. */
function checkPublished(path: string, noted: string | undefined, published: string | null | undefined): void {
  if (noted === undefined || published == null || noted === published) return;
  const expected = `SHA-256 ${noted}, as it came before,`;
  const hint = "it was published anew since: fetch into another folder";
  throw unexpected("data", { code: "FETCHED_OTHER", expected, name: path, got: published, hint });
}

function originOf({ file: { from } }: FetchUnit, { mirror }: Run): string {
  if (mirror !== undefined) return mirror.url === undefined ? "mirror" : showUrl(mirror.url);
  // The key of an old link opens the file, so that it is not noted.
  return "drive" in from ? `drive:${from.drive.split("?")[0]}` : showUrl(from.url);
}

async function downloadFrom(unit: FetchUnit, path: string, run: Run, common: DownloadOptions) {
  const { mirror } = run;
  const { from } = unit.file;
  if (mirror?.url !== undefined) {
    const missing = `the mirror has to hold ${pathOf(unit)}`;
    const { mirrorHeaders: headers, mirrorDenied: denied } = run.options;
    return download(mirrorUrl(mirror.url, pathOf(unit)), path, {
      ...common,
      headers,
      hints: { denied, missing },
    });
  }
  if ("url" in from) {
    const hint = "the publisher may have moved it: check there, and give the new place as --mirror";
    return download(from.url, path, { ...common, hints: { denied: hint, missing: hint } });
  }
  const drive = await run.drive();
  const { cookies, headers, page } = drive;
  const locate = async () => (await drive.locate(from.drive)).url;
  const id = `drive:${from.drive}`;
  // The address only names the file in messages: `locate` is asked for the real one.
  return download(drive.address(from.drive), path, { ...common, id, cookies, headers, page, locate });
}

async function unpackInto(
  { folder, place }: UnpackTarget,
  archive: string,
  run: Run,
): Promise<FetchedFolder> {
  const { dir, record, signal, options } = run;
  const staging = join(dir, `${folder}.partial`);
  const onProgress = (done: number, total: number) => {
    options.onStep?.(`unpacking ${folder} ${Math.floor((100 * done) / Math.max(total, 1))}%`);
  };
  const tree = await unpackZip(join(dir, archive), staging, { place, signal, onProgress });
  const note: FolderNote = { archive, ...tree };
  await record.noteFolder(folder, note);
  await rename(staging, join(dir, folder));
  return { name: folder, ...note, kept: false };
}

// What a fetch is asked for, and its result.
// Invariant: names are paths with `/` below the folder that is fetched into.
import { basename } from "node:path";
import type { FolderNote } from "./fetched.ts";
import type { Patience } from "./http/patience.ts";
import type { RetryOptions } from "./http/retry.ts";
import type { Origin, PublishedFile } from "./published.ts";

/** One file to bring, and what to do with it. */
export interface FetchUnit {
  readonly file: PublishedFile;
  /** Below the folder; default: the file's name. */
  readonly path?: string | undefined;
  /** Folders to unpack it into. */
  readonly unpack?: readonly UnpackTarget[] | undefined;
}

/** A folder that is made from an archive. */
export interface UnpackTarget {
  /** Name below the folder that is fetched into. */
  readonly folder: string;
  /** As in UnpackOptions. */
  readonly place: (name: string) => string | undefined;
}

/** How to fetch. */
export interface FetchOptions extends RetryOptions, Patience {
  /** A folder, or an address below which the files have the same names, in place of where they are published. */
  readonly mirror?: string | undefined;
  /** Sent to the mirror's address, and to no other host. */
  readonly mirrorHeaders?: Readonly<Record<string, string>> | undefined;
  /** What to try where the mirror refuses. */
  readonly mirrorDenied?: string | undefined;
  /** Where Drive is, for tests. */
  readonly driveEndpoint?: string | undefined;
  /** Files at a time; default 3. */
  readonly jobs?: number | undefined;
  /** Leaves archives beside what was unpacked from them. */
  readonly keepArchives?: boolean | undefined;
  /** Of the downloads; the total grows as sizes become known. */
  readonly onProgress?: ((doneBytes: number, totalBytes: number) => void) | undefined;
  /** What is being done beside downloading, for people. */
  readonly onStep?: ((text: string) => void) | undefined;
}

/** A file that is there now. */
export interface FetchedFile {
  /** Below the folder. */
  readonly name: string;
  readonly sizeBytes: number;
  readonly sha256: string;
  /** True if it was there before, and is as it came. */
  readonly kept: boolean;
}

/** A folder that is there now. */
export interface FetchedFolder extends FolderNote {
  readonly name: string;
  readonly kept: boolean;
}

/** What a fetch left in the folder. */
export interface FetchSummary {
  readonly dir: string;
  /** Without archives that were unpacked and removed. */
  readonly files: readonly FetchedFile[];
  readonly folders: readonly FetchedFolder[];
  /** Files of a bundle that were not brought, since the others hold what is in them. */
  readonly repeated?: readonly string[] | undefined;
}

/** A file of which no more is known than where it is, and perhaps its hash. */
export function unitOf(name: string, from: Origin, sha256: string | null = null): FetchUnit {
  return { file: { name: basename(name), from, sizeBytes: null, aboutBytes: null, sha256 }, path: name };
}

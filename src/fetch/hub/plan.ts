// What a push changes: which files the hub has already, which go, and which there are that no push has written.
// Source: git's hash of a blob. Invariant: a file is left out of a push only where the hub's own hash of it is that of ours.
import { createHash } from "node:crypto";
import { readChunks } from "../../machine/files.ts";
import type { HubFile } from "./library.ts";

/** A file of what is pushed. */
export interface PushFile {
  /** Below the repository. */
  readonly name: string;
  /** On this disk. */
  readonly path: string;
  readonly sizeBytes: number;
  readonly sha256: string;
  /** Git's hash of the file itself, by which the hub names small files. */
  readonly gitOid: string;
}

/** What is done with each file. */
export interface Plan {
  /** New, or other bytes than the hub's. */
  readonly send: readonly PushFile[];
  /** Names of those of them that the hub has with other bytes. */
  readonly replaced: readonly string[];
  /** As the hub has them. */
  readonly keep: readonly PushFile[];
  /** On the hub, and not among what is pushed. */
  readonly remove: readonly HubFile[];
}

/** The hub writes it when a repository is made: it says which files are large. */
export const HUBS_OWN = ".gitattributes";

/**
 * Reads the hashes of a file.
 *
 * @returns what `sha256sum` and `git hash-object` print, and the bytes that were read
 */
export async function hashesOf(
  path: string,
  sizeBytes: number,
): Promise<Pick<PushFile, "sha256" | "gitOid" | "sizeBytes">> {
  const [sha256, git] = [createHash("sha256"), createHash("sha1").update(`blob ${sizeBytes}\0`)];
  let bytes = 0;
  for await (const chunk of readChunks(path, "a file to push")) {
    sha256.update(chunk);
    git.update(chunk);
    bytes += chunk.byteLength;
  }
  return { sha256: sha256.digest("hex"), gitOid: git.digest("hex"), sizeBytes: bytes };
}

/** True if the hub's file has the bytes of ours. */
export function isSame(file: PushFile, there: HubFile | undefined): boolean {
  if (there === undefined || there.sizeBytes !== file.sizeBytes) return false;
  return there.sha256 === undefined ? there.gitOid === file.gitOid : there.sha256 === file.sha256;
}

/** What makes a repository equal to these files. */
export function planOf(files: readonly PushFile[], there: ReadonlyMap<string, HubFile>): Plan {
  const names = new Set(files.map(({ name }) => name));
  const send = files.filter((file) => !isSame(file, there.get(file.name)));
  return {
    send,
    replaced: send.filter(({ name }) => there.has(name)).map(({ name }) => name),
    keep: files.filter((file) => isSame(file, there.get(file.name))),
    remove: [...there.values()].filter(({ path }) => !names.has(path) && path !== HUBS_OWN),
  };
}

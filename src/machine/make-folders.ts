// Folders, with all above them. Node's own recursive `mkdir` (that of promises, in Node 20) asks whether the folder is there
// once the system refuses it, and reports that answer, ENOENT, in place of the refusal: a full disk then reads as a wrong path.
import { mkdirSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { isNotFound } from "../core/errors.ts";

/**
 * Makes a folder and those above it that are missing.
 *
 * @returns the topmost folder that was made; undefined if all were there
 * @throws the system's own refusal, e.g. ENOSPC
 */
export async function makeFolders(path: string): Promise<string | undefined> {
  try {
    return await mkdir(path, { recursive: true });
  } catch (error) {
    if (!isNotFound(error)) throw error;
    return mkdirSync(path, { recursive: true }); // which reports the refusal itself
  }
}

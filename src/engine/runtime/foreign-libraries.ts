// The libraries for other systems that ONNX Runtime's package brings along: how much they weigh, and their removal.
// Source: onnxruntime-node's bin/napi-v6/<platform>/<arch>. Invariant: the folder of this system is never touched, nor anything
// that is not such a folder.
import { lstat, readdir, rm, rmdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { libraryFolder } from "./ort-node.ts";

const PLATFORMS = ["darwin", "linux", "win32"];
const ARCHS = ["arm64", "x64"];

/** Libraries of another system. */
export interface ForeignLibraries {
  /** As Node calls it, e.g. `darwin/arm64`. */
  readonly system: string;
  readonly folder: string;
  readonly bytes: number;
}

/**
 * What is there for other systems.
 *
 * @param own - folder of this system's libraries
 * @example (await foreignLibraries()).map(({ system }) => system) // ["darwin/arm64", ...]
 */
export async function foreignLibraries(own: string = libraryFolder()): Promise<ForeignLibraries[]> {
  const root = dirname(dirname(own));
  const found: ForeignLibraries[] = [];
  for (const platform of PLATFORMS) {
    for (const arch of ARCHS) {
      const folder = join(root, platform, arch);
      if (folder === own || !(await isRealFolder(folder))) continue;
      found.push({ system: `${platform}/${arch}`, folder, bytes: await bytesOf(folder) });
    }
  }
  return found;
}

/**
 * Removes what is there for other systems: nothing but this one runs from the installation afterwards.
 *
 * @param own - folder of this system's libraries, which has to be there
 * @returns what was removed
 * @throws Node's error where the folder may not be written to
 */
export async function removeForeignLibraries(own: string = libraryFolder()): Promise<ForeignLibraries[]> {
  if (!(await isRealFolder(own))) return []; // another layout than the one that is known here
  const found = await foreignLibraries(own);
  for (const { folder } of found) {
    await rm(folder, { recursive: true });
    await rmdir(dirname(folder)).catch(() => undefined); // of another architecture this platform's may be there
  }
  return found;
}

/** Links are left alone: what they point to may be another installation's. */
async function isRealFolder(path: string): Promise<boolean> {
  const found = await lstat(path).catch(() => undefined);
  return found?.isDirectory() === true;
}

async function bytesOf(folder: string): Promise<number> {
  let bytes = 0;
  for (const name of await readdir(folder)) bytes += (await lstat(join(folder, name))).size;
  return bytes;
}

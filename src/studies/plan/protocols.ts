// Study files that are shipped with the package, in its folder `protocols`; a protocol's name stands for its file.
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { missingFile } from "../../core/errors.ts";
import { exists } from "../../machine/files.ts";
import { nearest } from "./file.ts";

const FOLDER = fileURLToPath(new URL("../../../protocols", import.meta.url));

/** Names of the shipped protocols, in alphabetical order. */
export async function protocolNames(): Promise<string[]> {
  const files = await readdir(FOLDER);
  return files.flatMap((file) => (file.endsWith(".yaml") ? [file.slice(0, -".yaml".length)] : [])).sort();
}

/**
 * The path that a person means: a file, or the name of a protocol.
 *
 * @throws AppError("data", "FILE_MISSING") with the nearest protocol
 */
export async function studyFilePath(given: string): Promise<string> {
  const names = await protocolNames();
  if (names.includes(given)) return join(FOLDER, `${given}.yaml`);
  if (await exists(given)) return given;
  throw missingFile(given, "a study file or a protocol", nearest(given, names));
}

// Where `facehand predict` may write: over a table of its own, never over anything else, nor among the images that it is given.
// Invariant: this is checked before any image is read.
import { unexpected } from "../../core/errors.ts";
import { readCsvHeader } from "../../formats/csv.ts";
import { exists } from "../../machine/files.ts";
import { isInside, truePath } from "../../machine/true-path.ts";
import { BEGINNING } from "./rows.ts";

/**
 * Refuses a table in the place of another file, and drawn photos below a folder that is given: the next run would take them for
 * photos.
 *
 * @param words - images as they were asked for
 * @throws AppError("input", "OUT_EXISTS" | "FLAG")
 */
export async function checkOutputs(
  { csv, pictures }: { readonly csv?: string | undefined; readonly pictures?: string | undefined },
  words: readonly string[],
): Promise<void> {
  if (csv === "-") {
    const e = { code: "FLAG", expected: "the name of a file", name: "--csv", got: csv };
    throw unexpected("input", { ...e, hint: "--json prints the answers" });
  }
  if (csv !== undefined && (await exists(csv)) && !(await isTable(csv))) {
    const e = { code: "OUT_EXISTS", expected: "a new file, or a table that predict wrote," };
    throw unexpected("input", { ...e, name: "--csv", got: csv, hint: "give another name" });
  }
  if (pictures === undefined) return;
  const place = truePath(pictures);
  for (const word of words) {
    if (!isInside(place, truePath(word))) continue;
    const e = { code: "FLAG", expected: "a folder outside of those with images", name: "--pictures" };
    throw unexpected("input", { ...e, got: pictures, hint: "the next run would take them for photos" });
  }
}

async function isTable(path: string): Promise<boolean> {
  try {
    const header = await readCsvHeader(path);
    return BEGINNING.every((name, i) => header[i] === name);
  } catch {
    return false; // whatever it is, it is not ours
  }
}

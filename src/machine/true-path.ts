// Where a path really leads: links are followed as far as they exist, so that two spellings of one place are one text.
// Outputs must lie apart from inputs: that is checked for real places, not for what was typed.
import { readlinkSync, realpathSync } from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";
import { isNotFound, unexpected } from "../core/errors.ts";
import { nameTrouble } from "../core/file-names.ts";

/**
 * The real place of a path, which need not exist: links are followed as far as there is anything.
 *
 * @returns an absolute path; on systems whose names have no case, as the disk spells what is there
 * @example truePath("link/new") // "/data/target/new"
 */
export function truePath(path: string): string {
  try {
    return realpathSync.native(path);
  } catch (error) {
    const full = resolve(path);
    if (!isNotFound(error) || dirname(full) === full) throw error;
    const parent = truePath(dirname(full));
    const link = linkAt(join(parent, basename(full)));
    return link === undefined ? join(parent, basename(full)) : truePath(resolve(parent, link));
  }
}

/** Where a link to nothing leads; undefined for what is no link. */
function linkAt(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

/** True for a place in a folder, and for the folder itself; both as truePath gives them. */
export function isInside(path: string, folder: string): boolean {
  const way = relative(folder, path);
  return !(way === ".." || /^\.\.[\\/]/.test(way) || resolve(way) === way);
}

/**
 * The place of a file that a list in a folder names, which somebody else may have written.
 *
 * @param folder - of the list
 * @param name - with `/` between its parts
 * @param list - for the message
 * @throws AppError("data", "PATH_OUTSIDE") for a name that leads out of the folder, by itself or by a link that lies there,
 *   and for one that other systems read otherwise
 * @example placeBelow("export", "data/a.parquet", "export/facehand-export.json")
 */
export function placeBelow(folder: string, name: string, list: string): string {
  const refuse = (got: string) =>
    unexpected("data", {
      code: "PATH_OUTSIDE",
      expected: "names of files below its folder",
      name: list,
      got,
      hint: "do not use this folder before you know who wrote it",
    });
  if (name.split("/").some((part) => nameTrouble(part) !== undefined)) throw refuse(name);
  const path = join(folder, name);
  if (!isInside(truePath(path), truePath(folder))) throw refuse(`${name}, a link that leads out of it`);
  return path;
}

/**
 * Refuses a folder or file to be written that lies in a folder that is read, holds it, or is a file that is read: what is
 * read would change under the reader, and the next call would take its own output for input.
 *
 * @param out - what is to be written
 * @param inputs - what is read: folders, or files
 * @param flag - what names `out`
 * @throws AppError("input", "OUT_INSIDE")
 * @example checkApart("data/pairs/export", ["data/pairs"]) // throws
 */
export function checkApart(out: string, inputs: readonly string[], flag = "--out"): void {
  const place = truePath(out);
  for (const input of inputs) {
    const read = truePath(input);
    const inside = isInside(place, read);
    if (!inside && !isInside(read, place)) continue;
    throw unexpected("input", {
      code: "OUT_INSIDE",
      expected: `a place apart from ${input}, which is read,`,
      name: flag,
      got: place === read ? "the same place" : inside ? `${out}, which lies in it` : `${out}, which holds it`,
      hint: "give a place beside it",
    });
  }
}

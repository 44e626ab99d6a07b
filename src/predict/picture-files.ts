// The pictures that words on a command line mean: files, folders with all that is below them, and patterns.
// Invariants: the order is that of the words, below a folder or pattern that of the names; a file that is meant twice counts
// once; a word that means no picture is refused. Links are followed, and no folder is entered from within itself.
import { readdir, realpath, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { hasErrno, isNotFound, missingFile, unexpected } from "../core/errors.ts";

/** Endings of files that are taken from folders; a file that is named itself may have any. */
const PICTURE = /\.(jpe?g|png|webp)$/i;
const PATTERN = /[*?[]/;

/** What was meant. */
export interface PictureFiles {
  readonly paths: readonly string[];
  /** Other files of the folders, which were not taken. */
  readonly others: number;
}

/**
 * Lists pictures.
 *
 * @param words - paths of files and folders, or patterns with `*`, `?`, `[abc]` and `**` for any folders
 * @throws AppError("data", "FILE_MISSING" | "NO_PICTURES")
 * @example (await listPictures(["photos", "more/*.jpg"])).paths
 */
export async function listPictures(words: readonly string[]): Promise<PictureFiles> {
  const found = new Map<string, string>();
  let others = 0;
  for (const word of words) {
    const listed = await listWord(word);
    others += listed.others;
    for (const path of listed.paths) if (!found.has(resolve(path))) found.set(resolve(path), path);
  }
  return { paths: [...found.values()], others };
}

async function listWord(word: string): Promise<PictureFiles> {
  const kind = await kindOf(word);
  if (kind === "file") return { paths: [word], others: 0 };
  if (kind === undefined && !PATTERN.test(word)) throw missingFile(word, "an image, or a folder of them,");
  const all =
    kind === "folder" ? (await filesBelow(word)).map((name) => join(word, name)) : await matching(word);
  const paths = all.filter((path) => PICTURE.test(path));
  if (paths.length > 0) return { paths, others: all.length - paths.length };
  const expected = kind === "folder" ? "a folder with images" : "a pattern that matches images";
  const got = all.length === 0 ? "nothing" : `${all.length} files that are none`;
  const e = { code: "NO_PICTURES", expected, name: "the image", got, where: word };
  throw unexpected("data", { ...e, hint: "images end in .jpg, .jpeg, .png or .webp" });
}

async function kindOf(path: string): Promise<"file" | "folder" | undefined> {
  try {
    return (await stat(path)).isDirectory() ? "folder" : "file";
  } catch (error) {
    if (isNotFound(error)) return undefined;
    if (hasErrno(error, "ELOOP")) return "file"; // links in a circle: whoever opens it reports it
    throw error;
  }
}

/**
 * Files at most `depth` names below a folder, relative to it, sorted; hidden ones, `._` files of macOS too, are
 * nobody's pictures.
 */
async function filesBelow(
  dir: string,
  depth = Number.POSITIVE_INFINITY,
  above: readonly string[] = [],
): Promise<string[]> {
  const out: string[] = [];
  const place = await realpath(dir);
  if (above.includes(place)) return out; // a link that leads back
  const within = [...above, place];
  const entries = (await readdir(dir, { withFileTypes: true })).filter(({ name }) => !name.startsWith("."));
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(dir, entry.name);
    const isFolder = entry.isSymbolicLink() ? (await kindOf(path)) === "folder" : entry.isDirectory();
    if (!isFolder) out.push(entry.name);
    else if (depth > 1)
      for (const name of await filesBelow(path, depth - 1, within)) out.push(`${entry.name}/${name}`);
  }
  return out;
}

/** Files that a pattern means: the search begins in its folders without signs. */
async function matching(pattern: string): Promise<string[]> {
  const parts = pattern.split("/");
  const fixed = await firstSign(parts);
  const root = fixed === 0 ? "" : `${parts.slice(0, fixed).join("/")}/`;
  if ((await kindOf(root === "" ? "." : root)) !== "folder") return [];
  const rest = parts.slice(fixed).map(segment);
  const source = rest.join("/").replaceAll("**/", "(?:[^/]+/)*").replaceAll("**", ".*");
  const test = patternOf(`^${source}$`, pattern);
  const found = await filesBelow(root === "" ? "." : root, rest.includes("**") ? undefined : rest.length);
  return found.filter((name) => test.test(name)).map((name) => `${root}${name}`);
}

/** The first name with signs that is not a folder's own. */
async function firstSign(parts: readonly string[]): Promise<number> {
  const last = parts.length - 1;
  for (const [i, part] of parts.entries()) {
    if (!PATTERN.test(part)) continue;
    if (i === last || (await kindOf(parts.slice(0, i + 1).join("/"))) !== "folder") return i;
  }
  return last;
}

function patternOf(source: string, pattern: string): RegExp {
  try {
    return new RegExp(source);
  } catch (cause) {
    const e = { code: "PATTERN", expected: "a pattern whose [sets] go upwards, as in [0-9]," };
    throw unexpected("input", { ...e, name: "the image", got: pattern, cause });
  }
}

/** One name of a pattern as a regular expression; `**` stays. */
function segment(part: string): string {
  if (part === "**") return part;
  const sets = part.split(/(\[[^\]]+\])/);
  const text = (s: string) =>
    s
      .replace(/[.+^${}()|\\[\]]/g, "\\$&")
      .replaceAll("*", "[^/]*")
      .replaceAll("?", "[^/]");
  return sets.map((s) => (/^\[[^\]]+\]$/.test(s) ? setOf(s) : text(s))).join("");
}

const setOf = (s: string) =>
  s
    .replaceAll("\\", "\\\\")
    .replace(/^\[!/, "[^")
    .replace(/(?!^)\[/g, "\\[");

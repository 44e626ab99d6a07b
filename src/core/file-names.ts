// ◇ Browser-safe. Names of files that others chose (servers, addresses, archives, lists): which of them every system
// keeps apart and takes literally. Source: Microsoft, "Naming Files, Paths, and Namespaces"; APFS and HFS+ for
// names that are equal under case folding or Unicode normalisation.
// Invariant: nothing is mended here; a name that is one thing here and another elsewhere is refused.

/** What every common file system takes. */
export const LONGEST_NAME_BYTES = 255;
/** A path below a folder; systems take some 4,096 bytes in all. */
const LONGEST_PATH_BYTES = 1024;

const DEVICE = /^(con|prn|aux|nul|conin\$|conout\$|clock\$|com[0-9¹²³]|lpt[0-9¹²³]) *(\.|$)/i;
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is refused
const UNSHOWN = /[\u0000-\u001f\u007f-\u009f\p{Cs}\p{Zl}\p{Zp}\p{Bidi_Control}]/u;
/**
 * What this program names so for itself: see fetch/fetched, fetch/http/partial, machine/files, machine/lock and machine/folder.
 */
const OWN =
  /^(fetched\.json|.*\.part|.*\.part\.json|.*\.partial|\..*\.(tmp|lock)|\..*\.facehand-lock-.*|\.facehand-.*|\.fetch.*)$/;

/**
 * Why a text is no name of one file that all systems keep as it is.
 *
 * @returns what would have been right, for `Expected ...`; undefined if it is one
 * @example nameTrouble("con.jpg") // "a name that is no device of Windows"
 */
export function nameTrouble(name: string, longestBytes: number = LONGEST_NAME_BYTES): string | undefined {
  if (name === "") return "a name";
  if (/^\.+$/.test(name)) return "a name inside the folder";
  if (/[/\\]/.test(name)) return "a name without folders";
  if (UNSHOWN.test(name)) return "a name of characters that can be shown";
  if (name.includes(":")) return "a name without a colon, behind which Windows hides bytes";
  if (/[. ]$/.test(name)) return "a name without a dot or blank at its end, which Windows drops";
  if (DEVICE.test(name)) return "a name that is no device of Windows";
  if (name === "__proto__") return "another name";
  if (new TextEncoder().encode(name).length > longestBytes) return `a name of at most ${longestBytes} bytes`;
  return undefined;
}

/**
 * Why a text is no path below a folder (`/` between its parts) that all systems keep as it is.
 *
 * @returns as nameTrouble
 */
export function pathTrouble(path: string, longestBytes: number = LONGEST_NAME_BYTES): string | undefined {
  for (const part of path.split("/")) {
    const hole = part === "" && path !== "";
    const trouble = hole ? "a path inside the folder" : nameTrouble(part, longestBytes);
    if (trouble !== undefined) return trouble;
    if (OWN.test(foldName(part))) return "a name that facehand does not use itself";
  }
  return new TextEncoder().encode(path).length > LONGEST_PATH_BYTES
    ? `a path of at most ${LONGEST_PATH_BYTES} bytes`
    : undefined;
}

/** What names have in common that some system takes for one: case, normalisation, characters that nobody sees. */
export function foldName(name: string): string {
  if (/^[a-z0-9_./-]*$/.test(name)) return name;
  return name
    .normalize("NFC")
    .replace(/\p{Default_Ignorable_Code_Point}/gu, "")
    .toUpperCase()
    .toLowerCase()
    .normalize("NFC");
}

/** Paths that are to be files below one folder, to find two that some system takes for one. */
export class FileNames {
  /** By folded path, as written; a folder's ends in `/`. */
  readonly #written = new Map<string, string>();

  /**
   * Takes up a file.
   *
   * @param path - `/` between its parts
   * @returns an earlier file or folder that some system takes for the same one (the same path, too)
   */
  clash(path: string): string | undefined {
    for (let end = path.indexOf("/"); end >= 0; end = path.indexOf("/", end + 1)) {
      const folder = path.slice(0, end + 1);
      const before = this.#written.get(foldName(path.slice(0, end)));
      if (before !== undefined && before !== folder) return before;
      if (before === undefined) this.#written.set(foldName(path.slice(0, end)), folder);
    }
    const folded = foldName(path);
    const before = this.#written.get(folded);
    if (before !== undefined) return before;
    this.#written.set(folded, folded === path ? folded : path);
    return undefined;
  }
}

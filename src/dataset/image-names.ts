// The images of a folder by the names that a table has for them: tables and disks write `.jpg` and `.JPG`, `/` and `\`.
// Invariants: a name in the very same writing is taken first; one that could be two images is refused, not guessed;
// no image is given to two rows.
import { readdir } from "node:fs/promises";
import { isNotFound, unexpected } from "../core/errors.ts";

/** Names of images, any case of their endings; hidden files (`._a.jpg` of macOS among them) are no images. */
export async function listImageNames(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).filter((name) => /^[^.].*\.(jpe?g|png)$/i.test(name));
  } catch (error) {
    if (isNotFound(error)) return [];
    throw error;
  }
}

/** `Train\1.JPG` and `train/1.jpg` alike. */
const looseName = (name: string) => name.normalize("NFC").replaceAll("\\", "/").toLowerCase();

/** Images on disk, to be taken by name, and those that nobody took. */
export class ImageNames {
  readonly #paths: ReadonlyMap<string, string>;
  readonly #loose = new Map<string, string[]>();
  readonly #taken = new Map<string, string>();

  /** @param paths - by name, `/` between folders */
  constructor(paths: ReadonlyMap<string, string>) {
    this.#paths = paths;
    for (const name of paths.keys()) {
      const loose = looseName(name);
      this.#loose.set(loose, [...(this.#loose.get(loose) ?? []), name]);
    }
  }

  /**
   * Path of the image that a row names.
   *
   * @param where - place of the row
   * @returns undefined if there is no such image
   * @throws AppError("data", "IMAGE_AMBIGUOUS" | "IMAGE_DUPLICATE")
   */
  take(name: string, where: string): string | undefined {
    const alike = this.#loose.get(looseName(name)) ?? [];
    const found = this.#paths.has(name) ? name : alike[0];
    if (found === undefined) return undefined;
    const e = { name: "an image", got: name, where };
    if (found !== name && alike.length > 1) {
      const expected = `one file of this name in any case (there are ${alike.join(", ")})`;
      throw unexpected("data", { code: "IMAGE_AMBIGUOUS", expected, ...e, hint: "write the names alike" });
    }
    const before = this.#taken.get(found);
    if (before !== undefined) {
      const expected = `an image that is not already at ${before}`;
      throw unexpected("data", { code: "IMAGE_DUPLICATE", expected, ...e });
    }
    this.#taken.set(found, where);
    return this.#paths.get(found);
  }

  /** How many images no row took. */
  left(): number {
    return this.#paths.size - this.#taken.size;
  }
}

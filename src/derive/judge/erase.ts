// Withdrawal: a decision `erase` takes a subject or an image out as if the input had never had it.
// Source: our own. Invariants: an erased frame is not read, and neither its id nor anything about it is written
// anywhere; the derivation's hash depends on whom it is about through one hash over all of them, bound to the annotations.

import { foldName } from "../../core/file-names.ts";
import { canonicalJson } from "../../core/schema.ts";
import { subjectKey } from "../../core/subject.ts";
import { type Derivation, hashDerivation, type Manifest } from "../../dataset/manifest.ts";
import { sha256 } from "../../machine/files.ts";
import type { Decision } from "./decisions.ts";

/** What an erasure has to know of a frame. */
interface Named {
  readonly imageId: string;
  readonly userId: string;
}

type Erased = NonNullable<Manifest["source"]["erased"]>;
type Stored = Readonly<Record<string, string>>;

/** What stands for an id that was erased in what people wrote about others. */
const IN_TEXTS = "(erased)";

/** As keys of people are compared: to miss a wish for a capital letter would be no reading of it. */
function fold(id: string): string {
  const reading = subjectKey(id);
  return "value" in reading ? reading.value : id;
}

/** Ids of images are names of files: of two in other cases one could be the other. */
const foldImage = (id: string) => foldName(fold(id));

/** An id that is no word, wherever it stands and in either case. */
const literally = (id: string) => new RegExp(id.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&"), "gi");

/** The erase decisions of one file, to be asked about frames. */
export class Erasure {
  readonly #subjects = new Set<string>();
  readonly #images = new Set<string>();
  /** Images of erased subjects, once the frames were counted. */
  readonly #theirs = new Set<string>();

  /** @param decisions - of these only the erasing ones are taken */
  constructor(decisions: readonly Decision[]) {
    for (const { what, image_id, user_id } of decisions) {
      if (what !== "erase") continue;
      if (user_id !== undefined) this.#subjects.add(fold(user_id));
      if (image_id !== undefined) this.#images.add(foldImage(image_id));
    }
  }

  /** Subjects and images that are named. */
  get count(): number {
    return this.#subjects.size + this.#images.size;
  }

  /** True for a frame that has to leave no trace. */
  has({ imageId, userId }: Named): boolean {
    return this.count > 0 && (this.#subjects.has(fold(userId)) || this.#images.has(foldImage(imageId)));
  }

  /**
   * Counts the frames that are erased, and learns the ids of their images.
   *
   * @param all - frames of the input
   * @param annotations - hashes of the annotation files, as the derivation has them
   * @returns the manifest's entry; undefined if nothing is to be erased
   */
  async meet(all: AsyncIterable<Named>, annotations: Stored): Promise<Erased | undefined> {
    if (this.count === 0) return undefined;
    const found = new Set<string>();
    let frames = 0;
    for await (const frame of all) {
      if (!this.has(frame)) continue;
      frames++;
      this.#theirs.add(foldImage(frame.imageId));
      if (this.#subjects.has(fold(frame.userId))) found.add(`user ${fold(frame.userId)}`);
      const image = foldImage(frame.imageId);
      if (this.#images.has(image)) found.add(`image ${image}`);
    }
    return {
      decisions: this.count,
      frames,
      unmatched: this.count - found.size,
      sha256: this.hash(annotations),
    };
  }

  /** True for the id of a subject or an image that is erased, by itself or with its subject; after `meet`. */
  names(id: string): boolean {
    const image = foldImage(id);
    return this.#subjects.has(fold(id)) || this.#images.has(image) || this.#theirs.has(image);
  }

  /** One hash over all that is named; bound to the annotations, so that no id has a hash of its own. */
  hash(annotations: Stored): string {
    const named = { images: [...this.#images].sort(), subjects: [...this.#subjects].sort() };
    return sha256(canonicalJson({ annotations, ...named }));
  }

  /**
   * What people wrote, without the ids that are erased, nor names of files made of them; after `meet`.
   *
   * @param hasMeasures - short numbers are measures there, and no ids
   */
  clean(text: string, hasMeasures = false): string {
    const isTheirs = (word: string) => {
      if (hasMeasures && /^\d{1,6}$/.test(word)) return false;
      return this.names(word) || this.names(word.replace(/^[FH]_/, ""));
    };
    const words = text.replace(/[0-9A-Za-z_-]+/g, (word) => (isTheirs(word) ? IN_TEXTS : word));
    const odd = [...this.#subjects, ...this.#images, ...this.#theirs].filter((id) =>
      /[^0-9A-Za-z_-]/.test(id),
    );
    return odd.reduce((left, id) => left.replace(literally(id), IN_TEXTS), words);
  }

  /** The other decisions, without those about what is erased; its ids in what people wrote are taken out. */
  others(decisions: readonly Decision[]): Decision[] {
    const clean = (text: string) => this.clean(text);
    const about = ({ image_id = "", user_id = "" }: Decision) => this.names(image_id) || this.names(user_id);
    return decisions
      .filter((one) => one.what !== "erase" && !about(one))
      .map((one) => (this.count === 0 ? one : { ...one, who: clean(one.who), why: clean(one.why) }));
  }
}

/** Hash of what decides the work on frames, whatever people decided: what a journal made before can be used for. */
export function hashBasis(derivation: Derivation): string {
  const { decisions: _, erased: __, ...source } = derivation.source;
  return hashDerivation({ ...derivation, source });
}

/**
 * True if a derivation is of the same frames and thresholds as one that was made before, and erases: it then takes the other's
 * place. What else people decided may have changed with it.
 */
export function erasesFrom(asked: Derivation, before: Derivation): boolean {
  const { erased } = asked.source;
  if (erased === undefined || hashBasis(asked) !== hashBasis(before)) return false;
  return erased.decisions >= (before.source.erased?.decisions ?? 0); // with fewer somebody would come back
}

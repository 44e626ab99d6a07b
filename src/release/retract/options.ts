// What a retraction is given, and what it answers.
// Invariant: nothing in the answer names the person.
import type { Split } from "../../core/words.ts";
import type { Pseudonyms } from "../../dataset/pseudonyms.ts";
import type { Seen } from "./seen.ts";

/** Who is to be taken out, and what is stated about it. */
export interface RetractOptions {
  /** An id as `findPerson` takes it. */
  readonly subject: string;
  /** By the key of a bundle with hashed ids. */
  readonly pseudonyms?: Pseudonyms | undefined;
  /** Published in the changelog. */
  readonly reason?: string | undefined;
  /** Folders to search for runs and models. */
  readonly runs?: readonly string[] | undefined;
  /** Of the new dataset; the next minor one if left out, where there is one. */
  readonly version?: string | undefined;
  /** `2026-11-29` */
  readonly date?: string | undefined;
  /** Version of facehand. */
  readonly madeBy: string;
  readonly signal?: AbortSignal | undefined;
  /** Called after each crop that was copied. */
  readonly onFile?: (() => void) | undefined;
}

/** What a retraction did; nothing in it names the person. */
export interface Retracted {
  readonly version: string | null;
  readonly pairs: number;
  readonly subjects: number;
  readonly taken: {
    readonly pairs: number;
    readonly frames: number;
    readonly alike: number;
    readonly splits: readonly Split[];
  };
  /** Rows of others whose pictures look like theirs. */
  readonly lookAlikes: readonly string[];
  /** What lies in the dataset and was not taken over. */
  readonly leftOut: readonly string[];
  readonly seen: Seen;
  /** Files beside the new folder: the list to be signed, and judgements. */
  readonly beside: readonly string[];
}

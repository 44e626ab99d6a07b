// What a blind annotator's page is sent: pairs without their labels, and who else judged what, without their answers. What was
// recorded is added to such judgements here, for the page does not have it.
// Invariants: no label, prediction or answer of others leaves this file; whoever opens the dataset's files sees them all the
// same, for they are files: blindness is of the page.
import { stat } from "node:fs/promises";
import { type Annotation, JUDGED_LABELS, parseAnnotation } from "../audit/annotation.ts";
import { AppError, unexpected } from "../core/errors.ts";
import { foldName } from "../core/file-names.ts";
import { type Pair, SPLITS } from "../core/words.ts";
import { locate } from "../dataset/layout.ts";
import { readPairs } from "../dataset/store.ts";
import type { BlindPairs, JudgedLine } from "./api.ts";

/** Pairs of datasets, read again when their tables have changed. */
export interface PairBook {
  pairs(dir: string): Promise<readonly Pair[]>;
}

/** A book that is empty. */
export function openPairBook(): PairBook {
  const known = new Map<string, { readonly stamp: string; readonly pairs: Promise<readonly Pair[]> }>();
  return {
    async pairs(dir) {
      const { csv } = await locate(dir);
      const stats = await Promise.all(SPLITS.map((split) => stat(csv[split])));
      const stamp = stats.map(({ size, mtimeMs }) => `${size}-${mtimeMs}`).join();
      const found = known.get(dir);
      if (found?.stamp === stamp) return found.pairs;
      const pairs = readPairs(dir).then((read) => SPLITS.flatMap((split) => read[split]));
      known.set(dir, { stamp, pairs });
      pairs.catch(() => known.delete(dir));
      return pairs;
    },
  };
}

/** Pairs as a blind page gets them, in the order of their ids: the order of the tables goes by split. */
export function blindPairs(pairs: readonly Pair[]): BlindPairs {
  const users = [...new Set(pairs.map(({ userId }) => userId))].sort();
  const number = new Map(users.map((user, at) => [user, at]));
  const sorted = [...pairs].sort((a, b) => (a.id < b.id ? -1 : 1));
  return {
    users,
    pairs: sorted.map(({ id, userId, handImage, faceImage }) => [
      id,
      number.get(userId)!,
      handImage,
      faceImage,
    ]),
  };
}

/**
 * A line of the log as a blind page gets it: its own lines but for what was recorded, of others what they judged.
 *
 * @param annotator - who asks
 * @returns undefined for a line that cannot be read
 */
export function blindLine(text: string, annotator: string): JudgedLine | undefined {
  let one: Annotation;
  try {
    one = parseAnnotation(JSON.parse(text), "the log");
  } catch {
    return undefined;
  }
  if (one.annotator === annotator) return { ...one, recorded: {} };
  const { id, image_id, user_id, reverts, choice } = one;
  return { id, image_id, user_id, reverts, judged: choice !== undefined && choice !== "skip" };
}

/**
 * Judgements with what is recorded, of those that were made without seeing it.
 *
 * @throws AppError("data", "ANNOTATION_PAIR") for a pair or subject that the dataset does not have; what `readPairs` throws
 */
export async function withRecorded(
  judgements: readonly Annotation[],
  dir: string,
  book: PairBook,
): Promise<readonly Annotation[]> {
  const lacks = (one: Annotation) =>
    one.choice !== undefined && !one.seen.label && Object.keys(one.recorded).length === 0;
  if (!judgements.some(lacks)) return judgements;
  const pairs = await book.pairs(dir);
  return judgements.map((one) => (lacks(one) ? { ...one, recorded: recordedOf(one, pairs) } : one));
}

/** Of a subject the labels on which all of its pairs agree. */
function recordedOf({ image_id: image, user_id: user }: Annotation, pairs: readonly Pair[]) {
  const isIt = (pair: Pair) =>
    image === undefined ? pair.userId === user : foldName(pair.id) === foldName(image);
  const found = pairs.filter(isIt);
  const labels = JUDGED_LABELS.flatMap((label) => {
    const words = [...new Set(found.map((pair) => pair[label]))];
    return words.length === 1 && words[0] !== "" ? [[label, words[0]]] : [];
  });
  if (found.length > 0) return Object.fromEntries(labels) as Annotation["recorded"];
  throw unexpected("data", {
    code: "ANNOTATION_PAIR",
    expected: "a pair or subject of the dataset, whose recorded label belongs to the judgement",
    name: image === undefined ? "user_id" : "image_id",
    got: image ?? user,
  });
}

/** Who asks for a log without the answers of others. */
export function blindName(given: string | undefined): string | undefined {
  if (given === "") throw new AppError("input", "BLIND", "Expected a name for blind, got none");
  return given;
}

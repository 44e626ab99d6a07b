// ◇ Browser-safe. Further targets of a run: their classes, found in the training images, and their part of a batch.
// Invariant: an image without a recorded class has no weight in the target's loss; nothing is guessed for it.
import { unexpected } from "../core/errors.ts";
import { ageRange, overlappingAges } from "../core/vocabulary.ts";
import type { Sample } from "../core/words.ts";
import { AGE_BUCKET_NAMES } from "../dataset/sources/groups.ts";
import { classWeights } from "../models/losses.ts";
import { CLASS_TARGETS, type ClassTarget, type TargetFacts } from "../models/targets.ts";
import type { TrainConfig } from "./config.ts";
import type { TargetBatch } from "./step/batch.ts";

/** Weight of a further target's loss, if no other is given: that of MAG's modality term. */
export const TARGET_WEIGHT = 0.3;

type Asked = Pick<TrainConfig, "targets">;

/**
 * The classes of the targets that a run asks for: all of FairFace's age buckets, in order, if no other is recorded;
 * otherwise what the training images record, ages by their first number, races by name.
 *
 * @throws AppError("data", "TARGET_CLASSES") if fewer than two classes are recorded, or two ages share a year
 */
export function targetClasses({ targets = [] }: Asked, samples: readonly Sample[]): TargetFacts[] {
  return CLASS_TARGETS.filter((name) => targets.includes(name)).map((name) => {
    const recorded = [...new Set(samples.map(({ groups }) => groups[name]))]
      .filter((value) => value !== "")
      .sort();
    if (recorded.length < 2) throw badClasses("two or more recorded classes", name, recorded);
    return { name, classes: name === "age" ? ageClasses(recorded) : recorded };
  });
}

function ageClasses(recorded: readonly string[]): string[] {
  const buckets: readonly string[] = AGE_BUCKET_NAMES;
  if (recorded.every((name) => buckets.includes(name))) return [...buckets];
  const unknown = recorded.find((name) => ageRange(name) === undefined);
  if (unknown !== undefined) throw badClasses("age buckets such as 20-29 or 70+", "age", [unknown]);
  const twice = overlappingAges(recorded);
  if (twice !== undefined) throw badClasses("age buckets that share no year", "age", twice);
  return [...recorded].sort((a, b) => ageRange(a)![0] - ageRange(b)![0]);
}

function badClasses(expected: string, name: ClassTarget, recorded: readonly string[]) {
  return unexpected("data", {
    code: "TARGET_CLASSES",
    expected,
    name: `--targets ${name} in the training images`,
    got: recorded.join(", ") || undefined,
    hint: `leave ${name} out of --targets, or give data that records it`,
  });
}

/** The one-hot classes of a batch, and its weights in the target's loss. */
export function targetBatch(
  samples: readonly Sample[],
  { name, classes }: TargetFacts,
  config: Pick<TrainConfig, "ageWeight" | "raceWeight">,
): TargetBatch {
  const indices = samples.map(({ groups }) => classes.indexOf(groups[name]));
  const labels = new Float32Array(samples.length * classes.length); // [N, K]
  indices.forEach((index, row) => {
    if (index >= 0) labels[row * classes.length + index] = 1;
  });
  return { name, labels, weights: classWeights(indices, config[`${name}Weight`] ?? TARGET_WEIGHT) };
}

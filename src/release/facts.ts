// What is stated about a dataset when it is published: by its publisher, and by its tables.
// Invariant: every number of cards, datasheets and metadata is computed here from the tables; none is written by hand.

import { MODALITIES } from "../core/words.ts";
import type { CheckedDataset } from "../dataset/check/check.ts";
import { type DatasetCounts, SMALL_GROUP } from "../dataset/check/counts.ts";
import { imagePath } from "../dataset/layout.ts";
import { type Manifest, readManifest } from "../dataset/manifest.ts";
import { quantile } from "../evaluate/metrics/calibration.ts";
import { imageSize } from "../pixels/image.ts";
import type { LicenceChoice } from "./licence.ts";

/** The hub's words for who made annotations. */
export const ANNOTATION_CREATORS = [
  "crowdsourced",
  "expert-generated",
  "found",
  "machine-generated",
  "other",
] as const;

/** Answers by question (questions.ts); what is not there was not answered. */
export interface Answers {
  readonly funding?: string | undefined;
  readonly created?: string | undefined;
  readonly modified?: string | undefined;
  readonly collectionPeriod?: { readonly from: string | null; readonly to: string | null } | undefined;
  readonly consent?: string | undefined;
  readonly ethicsReview?: string | undefined;
  readonly impactAssessment?: string | undefined;
  readonly legalBasis?: string | undefined;
  readonly rawData?: string | undefined;
  readonly derivation?: string | undefined;
  readonly labelling?: string | undefined;
  readonly annotationsCreators?: readonly (typeof ANNOTATION_CREATORS)[number][] | undefined;
  readonly annotationPlatform?: readonly string[] | undefined;
  readonly annotationAnalysis?: readonly string[] | undefined;
  readonly annotationsPerItem?: string | undefined;
  readonly annotatorDemographics?: readonly string[] | undefined;
  readonly earlierUses?: readonly string[] | undefined;
  readonly restrictions?: string | undefined;
  readonly publisher?: string | undefined;
  readonly contact?: string | undefined;
  readonly retention?: string | undefined;
}

/** What only the publisher knows. */
export interface ReleaseInfo {
  /** Title. */
  readonly name: string;
  /** `1.0.0`, as Semantic Versioning has it. */
  readonly version: string;
  /** `2026-11-24` */
  readonly date: string;
  readonly licence: LicenceChoice;
  readonly creator: string;
  readonly url: string;
  /** Further fields of the RAI vocabulary by name, e.g. what people judged about these pairs. */
  readonly rai?: Readonly<Record<string, string | readonly string[]>> | undefined;
  /** Answers to the datasheet's questions that the tables leave open. */
  readonly answers?: Answers | undefined;
}

/** What the tables have. */
export interface DatasetFacts {
  readonly counts: DatasetCounts;
  readonly pairs: number;
  readonly subjects: number;
  /** Pairs of one subject: fewest, median, most. */
  readonly perSubject: { readonly min: number; readonly median: number; readonly max: number };
  readonly gestures: readonly string[];
  /** Size of the first hand and face, `300 x 300`; of all, since the check has no other findings. */
  readonly size: string;
  /** Endings of the image files, e.g. `.jpg`. */
  readonly endings: readonly string[];
  /** Values of each label that are not known, pairs. */
  readonly unknown: Readonly<Record<"age" | "race", number>>;
  /** Groups of gender, age, race and gesture with fewer than SMALL_GROUP subjects. */
  readonly smallGroups: number;
  readonly groups: number;
  readonly notes: Readonly<Record<"serious" | "warning" | "note", number>>;
  readonly manifest: Manifest | undefined;
}

/** Computes the facts of a dataset that was checked. */
export async function datasetFacts(checked: CheckedDataset): Promise<DatasetFacts> {
  const { counts, pairs, layout, rows, totals } = checked;
  const bySubject = new Map<string, number>();
  for (const { subject } of pairs) bySubject.set(subject, (bySubject.get(subject) ?? 0) + 1);
  const sizes = [...bySubject.values()].sort((a, b) => a - b);
  const all = counts.groups.filter((group) => group.split === "all" && group.value !== "");
  const names = rows.flatMap(({ cells }) => [cells.hand_image_name, cells.face_image_name]);
  return {
    counts,
    pairs: pairs.length,
    subjects: bySubject.size,
    perSubject: {
      min: sizes[0] ?? 0,
      median: sizes.length === 0 ? 0 : quantile(sizes, 0.5),
      max: sizes.at(-1) ?? 0,
    },
    gestures: all.filter(({ by }) => by === "gesture").map(({ value }) => value),
    size: await usualSize(checked),
    endings: [...new Set(names.map((name) => name.slice(name.lastIndexOf("."))))].sort(),
    unknown: { age: unknownOf(counts, "age"), race: unknownOf(counts, "race") },
    smallGroups: all.filter(({ subjects }) => subjects < SMALL_GROUP).length,
    groups: all.length,
    notes: totals,
    manifest: await readManifest(layout.root),
  };
}

function unknownOf(counts: DatasetCounts, by: "age" | "race"): number {
  return counts.groups.find((g) => g.split === "all" && g.by === by && g.value === "")?.pairs ?? 0;
}

async function usualSize({ layout, rows }: CheckedDataset): Promise<string> {
  const sizes = new Set<string>();
  const [first] = rows;
  for (const modality of first === undefined ? [] : MODALITIES) {
    const { width, height } = await imageSize(
      imagePath(layout, modality, first!.cells[`${modality}_image_name`]),
    );
    sizes.add(`${width} x ${height}`);
  }
  return [...sizes].join(" and ");
}

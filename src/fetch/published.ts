// What others have published and `facehand data fetch` brings: every file with its address, its size and its hash.
// Sources: UnifiedGenderNet @8ad61c5 (scripts/download_*.py, README) for Drive's ids; HaGRID @080e189, README
// "Downloads", for its archives. HaGRID's download.py spells two of them in a way that does not exist (issue 90 there).
// Neither place names a SHA-256 or an exact size: these are null, and what came is noted beside the download.
// None of the addresses could be reached when this was written.
import { z } from "zod";
import { unexpected } from "../core/errors.ts";
import { HAGRID_GESTURES } from "../core/vocabulary.ts";

/** Where a file is: in Google Drive by its id, or at an address. */
const originSchema = z.union([
  z.strictObject({ drive: z.string().regex(/^[\w-]{25,}$/) }),
  z.strictObject({ url: z.url({ protocol: /^https?$/ }) }),
]);
export type Origin = z.infer<typeof originSchema>;

const fileSchema = z.strictObject({
  /** File name, here and in mirrors. */
  name: z.string().regex(/^[^/\\]+$/),
  from: originSchema,
  /** Exact size; null where nobody states it. */
  sizeBytes: z.int().nonnegative().nullable(),
  /** Size as the publisher rounds it, for the check of the disk. */
  aboutBytes: z.number().positive().nullable(),
  sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .nullable(),
});
/** One published file. */
export type PublishedFile = z.infer<typeof fileSchema>;

const publishedSchema = z.strictObject({
  derivedHagrid: z.strictObject({ images: fileSchema, csv: z.array(fileSchema).length(3) }),
  checkpoints: z.strictObject({
    folder: z.strictObject({ drive: z.string().regex(/^[\w-]{25,}$/) }),
    bestUmcc: fileSchema,
    bestMag: fileSchema,
  }),
  metrics: fileSchema,
  hagridAnnotations: fileSchema,
  /** One archive of all gestures, shorter side 512 px. */
  hagrid512: fileSchema,
  /** Full size, one archive a gesture. */
  hagridFull: z.record(z.string(), fileSchema),
});

const MB = 1e6;
const GB = 1e9;
const HAGRID = "https://rndml-team-cv.obs.ru-moscow-1.hc.sbercloud.ru/datasets";
const V2 = `${HAGRID}/hagrid_v2`;

function onDrive(name: string, drive: string, aboutBytes: number | null = null): PublishedFile {
  return { name, from: { drive }, sizeBytes: null, aboutBytes, sha256: null };
}

function atUrl(name: string, url: string, aboutBytes: number | null = null): PublishedFile {
  return { name, from: { url }, sizeBytes: null, aboutBytes, sha256: null };
}

/** Folder below HaGRID's address, and size as its README rounds it. */
const FOLDERS = {
  V1: `${HAGRID}/hagrid/hagrid_dataset_new_554800/hagrid_dataset`,
  V2: `${V2}/hagrid_v2_zip`,
} as const;
const GESTURES = {
  call: { folder: "V1", gb: 37.2 },
  dislike: { folder: "V1", gb: 40.9 },
  fist: { folder: "V1", gb: 42.3 },
  four: { folder: "V1", gb: 43.1 },
  grabbing: { folder: "V2", gb: 48.7 },
  grip: { folder: "V2", gb: 48.6 },
  hand_heart: { folder: "V2", gb: 39.6 },
  hand_heart2: { folder: "V2", gb: 42.6 },
  holy: { folder: "V2", gb: 52.7 },
  like: { folder: "V1", gb: 42.2 },
  little_finger: { folder: "V2", gb: 48.6 },
  middle_finger: { folder: "V2", gb: 50.5 },
  mute: { folder: "V1", gb: 43.2 },
  no_gesture: { folder: "V2", gb: 0.4939 },
  ok: { folder: "V1", gb: 42.5 },
  one: { folder: "V2", gb: 42.7 },
  palm: { folder: "V1", gb: 43 },
  peace: { folder: "V1", gb: 41.4 },
  peace_inverted: { folder: "V1", gb: 40.5 },
  point: { folder: "V2", gb: 50.4 },
  rock: { folder: "V2", gb: 41.7 },
  stop: { folder: "V1", gb: 41.8 },
  stop_inverted: { folder: "V1", gb: 41.4 },
  take_picture: { folder: "V2", gb: 37.3 },
  three: { folder: "V1", gb: 42.2 },
  three2: { folder: "V1", gb: 40.2 },
  three3: { folder: "V2", gb: 54 },
  three_gun: { folder: "V2", gb: 50.1 },
  thumb_index: { folder: "V2", gb: 62.8 },
  thumb_index2: { folder: "V2", gb: 24.8 },
  timeout: { folder: "V2", gb: 39.5 },
  two_up: { folder: "V1", gb: 41.8 },
  two_up_inverted: { folder: "V1", gb: 40.9 },
  xsign: { folder: "V2", gb: 51.3 },
} as const satisfies Record<(typeof HAGRID_GESTURES)[number], object>;

/** All that is known of the published files. */
export const PUBLISHED = publishedSchema.parse({
  derivedHagrid: {
    images: onDrive("aligned_dataset.zip", "1-52CWGkVhs4k3uWtvAdSz7tvplSX0_84", 288 * MB),
    csv: [
      onDrive("train.csv", "1W136bhwoVzT_ipjzABLie377wNNW8H6b"),
      onDrive("val.csv", "1hilEWBh1GHsi469CQ5zckZnmqBOMo73q"),
      onDrive("test.csv", "1dXKcOGVHGKRSERFoVN1HSSM-g7SlWnlf"),
    ],
  },
  checkpoints: {
    folder: { drive: "1iq91ulrO0WSW778Qd0-O9cD09pe4WaR5" },
    bestUmcc: onDrive("1752668630.pt", "1yK36dx8mdG5dvxZNNc50pHoALl77M9jX", 81.6 * MB),
    bestMag: onDrive(
      "tf_efficientnetv2_s.in1k_F0_Af_Lb_Z0_gating=soft_seed42.pt",
      "1dtaaEXrHwNI_vhO327DyUL74_5gFCeSX",
      246 * MB,
    ),
  },
  metrics: onDrive("final_metrics_with_full_configurations.csv", "1jLmMtNAKdMfsJaigezZz-iJa-_T624Kv"),
  hagridAnnotations: atUrl("annotations.zip", `${V2}/annotations_with_landmarks/annotations.zip`),
  hagrid512: atUrl("hagridv2_512.zip", `${V2}/hagridv2_512.zip`, 119.4 * GB),
  hagridFull: Object.fromEntries(
    Object.entries(GESTURES).map(([name, { folder, gb }]) => [
      name,
      atUrl(`${name}.zip`, `${FOLDERS[folder]}/${name}.zip`, gb * GB),
    ]),
  ),
} satisfies z.input<typeof publishedSchema>);

/**
 * The full-size archive of a gesture.
 *
 * @throws AppError("input", "UNKNOWN_GESTURE")
 */
export function hagridArchive(gesture: string): PublishedFile {
  const file = PUBLISHED.hagridFull[gesture];
  if (file !== undefined) return file;
  const expected = `one of ${HAGRID_GESTURES.join(", ")}`;
  throw unexpected("input", { code: "UNKNOWN_GESTURE", expected, name: "--gestures", got: gesture });
}

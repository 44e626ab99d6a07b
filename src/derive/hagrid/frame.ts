// One HaGRID annotation record, checked, in one shape for all three generations.
// Source: github hukenovs/hagrid: 2.0 has bboxes, labels, user_id; v1 adds landmarks and
// leading_*; v2 adds hand_landmarks, united_* and meta. A record's version is known from its keys.
// Invariant: a frame that comes out is valid: safe image id, boxes in the frame, one label a box, no unknown key.
import { z } from "zod";
import { type AppError, unexpected } from "../../core/errors.ts";
import { schemaFault, wordSchema } from "../../core/schema.ts";
import { subjectKey } from "../../core/subject.ts";
import { parseGesture, parseRace, readSex, type Sex } from "../../core/vocabulary.ts";
import type { Split } from "../../core/words.ts";
import { type Box, HAND_POINTS, type Point } from "../../pixels/geometry.ts";

/** How far a box may reach outside the frame, as a fraction of its side: rounding, no more. */
export const BOX_TOLERANCE = 0.02;

/** Machine-made traits of the people in a frame: one entry a face, none if no face was found. */
export interface FrameMeta {
  readonly age: readonly number[];
  readonly gender: readonly Sex[];
  readonly race: readonly string[];
}

/** One annotated picture. */
export interface Frame {
  readonly imageId: string;
  /** The folder it is in: HaGRID's gesture name. */
  readonly gesture: string;
  /** Split of the source. */
  readonly split: Split;
  readonly userId: string;
  readonly boxes: readonly Box<"rel">[];
  /** One a box; `no_gesture` for an idle hand. */
  readonly labels: readonly string[];
  /** One a box, 21 MediaPipe points; undefined where none were found. */
  readonly handLandmarks?: readonly (readonly Point<"rel">[] | undefined)[] | undefined;
  readonly meta?: FrameMeta | undefined;
  /** Where the image has to be; it may be missing. */
  readonly path: string;
}

/** An annotation file and what its place means for its frames. */
export interface AnnotationFile {
  readonly file: string;
  readonly gesture: string;
  readonly split: Split;
}

const ID = /^[0-9A-Za-z_-]{1,64}$/;
const USER_ID = /^(?:[0-9a-f]{32}|[0-9a-f]{64})$/i;
const id = z.string().regex(ID, "expected 1 to 64 letters, digits, - or _");
const low = -BOX_TOLERANCE;
const high = 1 + BOX_TOLERANCE;
const insideText = `[x, y, width, height] inside the frame (0 to 1, ${BOX_TOLERANCE} over at most)`;
const box = z
  .tuple([z.number(), z.number(), z.number(), z.number()])
  .refine(
    ([x, y, w, h]) => w > 0 && h > 0 && x >= low && y >= low && x + w <= high && y + h <= high,
    `expected ${insideText}`,
  );
/** Landmarks are estimates and may lie outside the frame by a hand's length, not by more. */
const coordinate = z.number().min(-2).max(3);
const hand = z.array(z.tuple([coordinate, coordinate]));
const hands = z.array(hand.nullable()).nullish();

const meta = z.strictObject({
  age: z.array(z.number().min(0).max(130)).nullable(),
  gender: z.array(wordSchema(readSex)).nullable(),
  race: z
    .array(
      z
        .string()
        .min(1)
        .pipe(wordSchema((text) => parseRace(text, "pairs"))),
    )
    .nullable(),
  /** Not HaGRID's: how sure the predictor was; not used. */
  gender_probability: z.array(z.number().min(0).max(1)).nullish(),
});
const base = {
  bboxes: z.array(box).min(1),
  labels: z.array(id.pipe(wordSchema((text) => parseGesture(text, "pairs")))).min(1),
  user_id: z.string().regex(USER_ID, "expected 32 or 64 hex digits").pipe(wordSchema(subjectKey)),
};
const record2 = z.strictObject(base);
const recordV1 = z.strictObject({
  ...base,
  landmarks: hands,
  leading_hand: z.enum(["left", "right"]).nullish(),
  leading_conf: z.number().min(0).max(1).nullish(),
});
const recordV2 = z.strictObject({
  ...base,
  hand_landmarks: hands,
  united_bbox: z.array(box.nullable()).nullish(),
  united_label: z.array(id.nullable()).nullish(),
  meta: meta.nullish(),
});
const V1_KEYS = ["landmarks", "leading_hand", "leading_conf"];
const V2_KEYS = ["hand_landmarks", "united_bbox", "united_label", "meta"];

/**
 * Checks one record and gives it the common shape.
 *
 * @param imageId - its key
 * @param value - its parsed JSON
 * @param path - where its image has to be
 * @throws AppError("data", "IMAGE_ID" | "ANNOTATION_INVALID") naming file, image id and key
 */
export function parseFrame(imageId: string, value: unknown, source: AnnotationFile, path: string): Frame {
  const where = `${source.file}, image ${imageId}`;
  if (!ID.test(imageId)) {
    const e = {
      code: "IMAGE_ID",
      expected: "1 to 64 letters, digits, - or _",
      name: "an image id",
      got: imageId,
    };
    throw unexpected("data", { ...e, where: source.file });
  }
  const record = parseRecord(value, where);
  const count = record.bboxes.length;
  if (record.labels.length !== count)
    throw invalid("labels", `${count} labels, one a box`, record.labels, where);
  const points =
    "landmarks" in record ? record.landmarks : "hand_landmarks" in record ? record.hand_landmarks : null;
  if (points && points.length !== count)
    throw invalid("landmarks", `${count} lists, one a box`, points, where);
  const frameMeta = "meta" in record && record.meta ? toMeta(record.meta) : undefined;
  return {
    imageId,
    gesture: source.gesture,
    split: source.split,
    userId: record.user_id,
    boxes: record.bboxes.map(([x, y, width, height]) => ({ x, y, width, height })),
    labels: record.labels,
    handLandmarks: points?.map((list) => toHand(list, where)),
    meta: frameMeta,
    path,
  };
}

function parseRecord(
  value: unknown,
  where: string,
): z.output<typeof record2 | typeof recordV1 | typeof recordV2> {
  const has = (keys: readonly string[]) =>
    typeof value === "object" && value !== null && keys.some((key) => key in value);
  const schema = has(V1_KEYS) ? recordV1 : has(V2_KEYS) ? recordV2 : record2;
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw schemaError(result.error, value, where);
}

function toHand(
  list: readonly (readonly [number, number])[] | null,
  where: string,
): Point<"rel">[] | undefined {
  if (list === null || list.length === 0) return undefined;
  if (list.length !== HAND_POINTS)
    throw invalid("landmarks", `${HAND_POINTS} points or none`, list.length, where);
  return list.map(([x, y]) => ({ x, y }));
}

function toMeta(value: z.output<typeof meta>): FrameMeta {
  return { age: value.age ?? [], gender: value.gender ?? [], race: value.race ?? [] };
}

/**
 * Checks one entry of a `--meta` file.
 *
 * @param value - `{age, gender, race}`, lists with one entry a face, and HaGRID-foreign `gender_probability`
 * @param where - file and image id, for messages
 * @throws AppError("data", "ANNOTATION_INVALID")
 */
export function parseMeta(value: unknown, where: string): FrameMeta {
  const result = meta.safeParse(value);
  if (!result.success) throw schemaError(result.error, value, where);
  return toMeta(result.data);
}

function invalid(key: string, expected: string, got: unknown, where: string): AppError {
  return unexpected("data", { code: "ANNOTATION_INVALID", expected, name: key, got, where });
}

/** The first fault that a schema finds in a record, with its file and image. */
export function schemaError(error: z.ZodError, value: unknown, where: string): AppError {
  const { key, ...fault } = schemaFault(error, value);
  const name = key === "" ? "the record" : key;
  return unexpected("data", { code: "ANNOTATION_INVALID", name, ...fault, where, cause: error });
}

// ◇ Browser-safe. YuNet's face detector: decoding of its three scales. The model comes from a path the user gives.
// Source: github ShiqiYu/libfacedetection.train and OpenCV's FaceDetectorYN (face_detect.cpp).
// Input BGR 0..255, sides multiples of 32. Points: right eye, left eye (the subject's), nose, right and left mouth.

import { type Session, Tensor } from "../engine/runtime/session.ts";
import { type Photo, withPicture } from "../pixels/fast/pictures.ts";
import { type Letterbox, letterbox } from "../pixels/letterbox.ts";
import { BGR } from "../pixels/planes.ts";
import { type Candidate, suppressGreedy } from "./suppress.ts";

/** Long side of the input. */
export const YUNET_INPUT_PX = 320;
const STRIDES = [8, 16, 32] as const;
const MIN_SCORE = 0.6;
const MIN_IOU = 0.3;

/** Names of the outputs a YuNet model has. */
export const YUNET_OUTPUTS: readonly string[] = ["cls", "obj", "bbox", "kps"].flatMap((kind) =>
  STRIDES.map((stride) => `${kind}_${stride}`),
);

/**
 * Runs YuNet on one photo.
 *
 * @param session - the model, with dynamic height and width
 * @returns one detection a face, best first, px in `photo`
 */
export async function detectYunet(session: Session, photo: Photo): Promise<Candidate[]> {
  const scale = YUNET_INPUT_PX / Math.max(photo.width, photo.height);
  const side = (px: number) => Math.max(32, 32 * Math.ceil(Math.round(px * scale) / 32));
  const [widthPx, heightPx] = [side(photo.width), side(photo.height)];
  const pixels = new Float32Array(3 * heightPx * widthPx);
  const shape = { channels: BGR, scale: 1, offset: 0 };
  const fit = withPicture(photo, (picture) =>
    letterbox(picture, { widthPx, heightPx, place: "corner" }, shape, pixels),
  );
  const input = new Tensor("float32", pixels, [1, 3, heightPx, widthPx]);
  const out = await session.run({ [session.inputNames[0]!]: input });
  const values = (name: string) => out[name]!.data as Float32Array;
  const found = STRIDES.flatMap((stride) => decode(values, stride, widthPx, fit));
  return suppressGreedy(found, MIN_IOU);
}

function decode(
  values: (name: string) => Float32Array,
  stride: number,
  widthPx: number,
  fit: Letterbox,
): Candidate[] {
  const [cls, obj] = [values(`cls_${stride}`), values(`obj_${stride}`)]; // [N], 0 to 1
  const [bbox, kps] = [values(`bbox_${stride}`), values(`kps_${stride}`)]; // [N, 4], [N, 10]
  const columns = widthPx / stride;
  const found: Candidate[] = [];
  for (let i = 0; i < cls.length; i++) {
    const score = Math.sqrt(unit(cls[i]!) * unit(obj[i]!));
    if (score < MIN_SCORE) continue;
    const [column, row] = [i % columns, Math.floor(i / columns)];
    const at = (dx: number, dy: number) => fit.toPhoto((column + dx) * stride, (row + dy) * stride);
    const centre = at(bbox[4 * i]!, bbox[4 * i + 1]!);
    const width = Math.exp(bbox[4 * i + 2]!) * stride * fit.scaleX;
    const height = Math.exp(bbox[4 * i + 3]!) * stride * fit.scaleY;
    const box = { x: centre.x - width / 2, y: centre.y - height / 2, width, height };
    const points = [0, 2, 4, 6, 8].map((k) => at(kps[10 * i + k]!, kps[10 * i + k + 1]!));
    found.push({ score, box, points });
  }
  return found;
}

function unit(value: number): number {
  return Math.max(0, Math.min(1, value));
}

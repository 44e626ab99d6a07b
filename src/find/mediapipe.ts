// ◇ Browser-safe. MediaPipe's detectors of faces and palms: anchors and decoding of their SSD heads.
// Source: github google-ai-edge/mediapipe, modules/{face,palm}_detection/*.pbtxt, ssd_anchors_calculator.cc,
// tensors_to_detections_calculator.cc. Boxes and points are the model's own; their owners name and widen them.
import { lend } from "../core/lend.ts";
import { type Session, Tensor } from "../engine/runtime/session.ts";
import { type Photo, withPicture } from "../pixels/fast/pictures.ts";
import { type Letterbox, letterbox } from "../pixels/letterbox.ts";
import { RGB } from "../pixels/planes.ts";
import { type Candidate, suppressWeighted } from "./suppress.ts";

export interface MediapipeModel {
  readonly inputPx: number;
  /** What 0 becomes in the input; 255 becomes 1. */
  readonly inputMin: -1 | 0;
  /** Landmarks a detection. */
  readonly points: number;
  /** Stride of each layer of anchors; layers of one stride lie interleaved. */
  readonly strides: readonly number[];
  /** Anchors a layer and cell: 1, or 2 where the graph asks for an interpolated scale too. */
  readonly anchorsPerLayer: number;
  readonly minScore: number;
}

/** Points: right eye, left eye (the subject's), nose, mouth, right ear, left ear. */
export const FULL_RANGE: MediapipeModel = {
  inputPx: 192,
  inputMin: -1,
  points: 6,
  strides: [4],
  anchorsPerLayer: 1,
  minScore: 0.6,
};

const MIN_IOU = 0.3;
const BOX_COORDS = 4; // centre x, y, width, height; then x, y of each point
const CLIP = 100; // of the logit, against overflow
const MARGIN = 1e-6; // of the logit, far more than its rounding and the score's

/**
 * Centres of the anchors; their size is 1 (fixed_anchor_size), so only centres matter.
 *
 * @param model - see MediapipeModel
 * @returns x and y of each anchor in fractions of the input, [N, 2]
 * @source MediaPipe ssd_anchors_calculator.cc
 */
export function anchorCentres(model: MediapipeModel): Float32Array {
  const centres: number[] = [];
  const { strides } = model;
  for (let layer = 0; layer < strides.length; ) {
    const stride = strides[layer]!;
    const same = strides.slice(layer).findIndex((s) => s !== stride);
    const layers = same === -1 ? strides.length - layer : same;
    const cells = Math.ceil(model.inputPx / stride);
    for (let i = 0; i < cells * cells; i++) {
      const x = ((i % cells) + 0.5) / cells;
      const y = (Math.floor(i / cells) + 0.5) / cells;
      for (let k = 0; k < layers * model.anchorsPerLayer; k++) centres.push(x, y);
    }
    layer += layers;
  }
  return Float32Array.from(centres);
}

/**
 * A detector of one kind of thing in photos. Calls share its input and outputs, so each waits for the one before.
 *
 * @param session - the model: input [1, 3, S, S], outputs regressors [1, N, 4 + 2 points] and scores [1, N, 1]
 * @param model - its constants
 * @returns gives one detection a face or palm, best first, px in the photo; the box is the detector's own
 */
export function mediapipeDetector(
  session: Session,
  model: MediapipeModel,
): (photo: Photo) => Promise<Candidate[]> {
  const side = model.inputPx;
  const centres = anchorCentres(model);
  const values = new Float32Array(3 * side * side);
  const feeds = { [session.inputNames[0]!]: new Tensor("float32", values, [1, 3, side, side]) };
  const anchors = centres.length / 2;
  const [boxes, scores] = [BOX_COORDS + 2 * model.points, 1].map(
    (width) => new Tensor("float32", new Float32Array(anchors * width), [1, anchors, width]),
  ) as [Tensor, Tensor];
  const fetches = { [session.outputNames[0]!]: boxes, [session.outputNames[1]!]: scores };
  const shape = { channels: RGB, scale: (1 - model.inputMin) / 255, offset: model.inputMin };
  const inTurn = lend([{ values, boxes: boxes.data as Float32Array, scores: scores.data as Float32Array }]);
  return (photo) =>
    inTurn(async (memory) => {
      const input = { widthPx: side, heightPx: side, place: "centre" } as const;
      const fit = withPicture(photo, (picture) => letterbox(picture, input, shape, memory.values));
      await session.run(feeds, fetches);
      return suppressWeighted(decode(memory.boxes, memory.scores, centres, model, fit), MIN_IOU);
    });
}

function decode(
  raw: Float32Array, // [N, 4 + 2 points]
  logits: Float32Array, // [N]
  centres: Float32Array, // [N, 2]
  model: MediapipeModel,
  fit: Letterbox,
): Candidate[] {
  const low = Math.log(model.minScore / (1 - model.minScore)) - MARGIN;
  const found: Candidate[] = [];
  for (let i = 0; i < logits.length; i++) {
    if (logits[i]! < low) continue; // nearly all of them: no need for their score
    const score = 1 / (1 + Math.exp(-Math.max(-CLIP, Math.min(CLIP, logits[i]!))));
    if (score >= model.minScore) found.push({ score, ...placed(raw, centres, i, model, fit) });
  }
  return found;
}

/** Box and points of an anchor; apart from the loop, which would make a scope for its functions at every anchor. */
function placed(
  raw: Float32Array,
  centres: Float32Array,
  anchor: number,
  model: MediapipeModel,
  fit: Letterbox,
): Omit<Candidate, "score"> {
  const side = model.inputPx;
  const first = (BOX_COORDS + 2 * model.points) * anchor;
  const [cx, cy] = [centres[2 * anchor]! * side, centres[2 * anchor + 1]! * side];
  const at = (k: number) => fit.toPhoto(raw[first + k]! + cx, raw[first + k + 1]! + cy);
  const centre = at(0);
  const width = raw[first + 2]! * fit.scaleX;
  const height = raw[first + 3]! * fit.scaleY;
  const box = { x: centre.x - width / 2, y: centre.y - height / 2, width, height };
  return { box, points: Array.from({ length: model.points }, (_, k) => at(BOX_COORDS + 2 * k)) };
}

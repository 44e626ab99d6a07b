// ◇ Browser-safe. MediaPipe's palm detector: its constants, and the whole hand from its palms.
// Source: google-ai-edge/mediapipe modules/palm_detection/palm_detection_cpu.pbtxt.
import { type Box, distance, type Point } from "../pixels/geometry.ts";
import type { MediapipeModel } from "./mediapipe.ts";
import type { Candidate } from "./suppress.ts";

/** Points: wrist, knuckles (MCP) of index, middle, ring and little finger, thumb CMC and MCP. */
export const PALM: MediapipeModel = {
  inputPx: 192,
  inputMin: 0,
  points: 7,
  strides: [8, 16, 16, 16],
  anchorsPerLayer: 2,
  minScore: 0.5,
};

// With s the side of the palm's square and u the unit vector from wrist to middle knuckle: the hand's box is
// centred SHIFT s along u from the palm's centre, ACROSS.base + ACROSS.lean |u_x| wide and ALONG alike high, in s.
const SHIFT = 0.47;
const ACROSS = { base: 1.31, lean: 0.6 } as const;
const ALONG = { base: 1.87, lean: 0.37 } as const;

/**
 * The whole hand's box, as HaGRID's annotators draw it, from a detected palm.
 *
 * Fitted to the 424 gesture boxes that hold a palm's centre in 464 frames of HaGRID's 18 gestures, for the best
 * mean IoU (0.71). A palm does not show which fingers are stretched: fists come out too high (median IoU 0.60).
 *
 * @param palm - box and points in the order of PALM
 * @returns box that may reach outside the photo
 */
export function wholeHand({ box, points }: Candidate): Box<"px"> {
  const [wrist, , middle] = points as [Point, Point, Point];
  const side = (box.width + box.height) / 2;
  const length = Math.max(distance(wrist, middle), Number.EPSILON);
  const ux = (middle.x - wrist.x) / length;
  const uy = (middle.y - wrist.y) / length;
  const width = side * (ACROSS.base + ACROSS.lean * Math.abs(ux));
  const height = side * (ALONG.base + ALONG.lean * Math.abs(uy));
  const x = box.x + box.width / 2 + SHIFT * side * ux - width / 2;
  const y = box.y + box.height / 2 + SHIFT * side * uy - height / 2;
  return { x, y, width, height };
}

// One drawn frame of the built-in sample: room, person, raised hand, light; and its truth in HaGRID's terms.
// Unit: a frame of 384 x 512, y down; drawn to any size. Every frame carries the word DRAWN, as strokes, since
// text would depend on the fonts of the machine.
import type { Random } from "../core/random.ts";
import { drawArm, drawTorso, type Stance } from "./body.ts";
import { drawHead, type HeadDrawing } from "./face.ts";
import { drawHand, type HandDrawing } from "./hand.ts";
import type { Person } from "./people.ts";
import { drawRoom } from "./room.ts";
import { el, place, stroke, type Xy } from "./svg.ts";

export const FRAME_WIDTH = 384;
export const FRAME_HEIGHT = 512;

export const GESTURES = ["palm", "stop", "stop_inverted"] as const;
export type Gesture = (typeof GESTURES)[number];

/** Frames that a careful derivation has to notice, and one that it has to read right (box-outside). */
export const BAD_KINDS = [
  "no-face",
  "two-people",
  "blurred",
  "hand-cut",
  "truncated",
  "tiny-face",
  "no-meta",
  "box-outside",
  "over-exposed",
  "under-exposed",
  "face-hidden",
  "wrong-landmarks",
  "duplicate",
  "near-duplicate",
] as const;
export type BadKind = (typeof BAD_KINDS)[number];

/** [x, y, width, height], relative to the frame, origin top-left. */
export type RelBox = readonly [number, number, number, number];

export interface DrawnHand {
  readonly label: Gesture | "no_gesture";
  readonly box: RelBox;
  /** 21 points, relative to the frame. */
  readonly points: readonly Xy[];
}

export interface DrawnFace {
  readonly box: RelBox;
  /** Subject's left eye outer, inner, right eye outer, inner, nose base; relative to the frame. */
  readonly points: readonly Xy[];
}

export interface DrawnFrame {
  readonly svg: string;
  /** In HaGRID's order, which may begin with the idle hand. */
  readonly hands: readonly DrawnHand[];
  /** Largest first. */
  readonly faces: readonly DrawnFace[];
}

/** Draws one frame of `person`; `second` is who stands behind in a frame of two people. */
export function drawFrame(
  person: Person,
  second: Person,
  gesture: Gesture,
  bad: BadKind | undefined,
  random: Random,
): DrawnFrame {
  const side = random.pick([-1, 1] as const);
  const stance = drawStance(random.split("stance"), side, bad);
  const head = headAt(person, stance, random.split("head"));
  const raised = raisedHand(person, stance, gesture, bad, random.split("hand"));
  const idle =
    random.next() < 0.35 && bad === undefined ? idleHand(person, stance, random.split("idle")) : undefined;
  const other = bad === "two-people" ? bystander(second, side, random.split("second")) : undefined;
  const body = [
    drawRoom(random.split("room")),
    other?.svg ?? "",
    head.behind,
    drawTorso(person, stance),
    head.front,
    idle?.svg ?? "",
    raised.svg,
  ].join("");
  const light = drawLight(random.split("light"));
  const hands = [{ ...hand(raised.drawing, gesture, bad) }];
  if (idle !== undefined) {
    const extra = hand(idle.drawing, "no_gesture", undefined);
    if (random.next() < 0.5) hands.unshift(extra);
    else hands.push(extra);
  }
  const faces = [faceOf(head), ...(other === undefined ? [] : [faceOf(other.head)])];
  return { svg: document(body, light, bad === "blurred"), hands, faces: bad === "no-face" ? [] : faces };
}

function drawStance(random: Random, side: -1 | 1, bad: BadKind | undefined): Stance {
  const width = bad === "tiny-face" ? random.uniform(13, 16) : random.uniform(76, 98);
  const x = 192 - side * random.uniform(20, 52);
  const y = bad === "no-face" ? -120 : random.uniform(150, 205);
  return { side, width, eyes: [x, y], roll: bad === "no-face" ? 0 : 4.5 * clip(random.normal(), 2.5) };
}

function clip(value: number, limit: number): number {
  return Math.min(Math.max(value, -limit), limit);
}

function headAt(person: Person, { width, eyes, roll }: Stance, random: Random): HeadDrawing {
  const mood = {
    smile: clip(0.4 + 0.4 * random.normal(), 1),
    open: Math.max(0, random.normal() - 0.6),
    turn: clip(0.4 * random.normal(), 1),
    gaze: clip(0.4 * random.normal(), 1),
  };
  return drawHead(person, mood, place(eyes[0], eyes[1], roll, width));
}

interface Limb {
  readonly svg: string;
  readonly drawing: HandDrawing;
}

function raisedHand(
  person: Person,
  stance: Stance,
  gesture: Gesture,
  bad: BadKind | undefined,
  random: Random,
): Limb {
  const { side, eyes } = stance;
  // A tiny face is far away, its hand is not: somebody else holds it before the camera.
  const width = bad === "tiny-face" ? 80 : stance.width;
  const size = width * random.uniform(0.7, 0.82);
  const below = eyes[1] + width * random.uniform(0.85, 1.45);
  const low = bad === "no-face" ? 290 : bad === "face-hidden" ? eyes[1] + 0.95 * width : below;
  const beside = eyes[0] + side * width * random.uniform(1.2, 1.42);
  const before = bad === "face-hidden";
  // The wrist of a hand that is cut is almost at the edge; others keep all fingers in the frame.
  const margin = bad === "hand-cut" ? 8 : 0.92 * size;
  const edge = side === 1 ? FRAME_WIDTH - margin : margin;
  const atEdge = bad === "hand-cut" || bad === "box-outside";
  const x = before ? eyes[0] : atEdge ? edge : side === 1 ? Math.min(beside, edge) : Math.max(beside, edge);
  const tilt = side * random.uniform(-2, 11);
  const back = gesture === "stop_inverted";
  const spread = gesture === "palm" ? random.uniform(0.7, 1) : random.uniform(0, 0.12);
  const flip = (side === 1) !== back ? -1 : 1;
  const drawing = drawHand(person, { back, spread, curl: 0 }, place(x, low, tilt, size * flip, size));
  const elbow: Xy = [x - side * width * random.uniform(-0.1, 0.35), low + width * 2.1];
  const shoulder: Xy =
    bad === "tiny-face"
      ? [elbow[0] + side * width, FRAME_HEIGHT + width]
      : [eyes[0] + side * width * 0.95, eyes[1] + width * 1.55];
  return { svg: drawArm(person, { wrist: [x, low], elbow, shoulder, size, tilt }) + drawing.svg, drawing };
}

/** A hand that rests on the chest, back to the camera. */
function idleHand(person: Person, { side, width, eyes }: Stance, random: Random): Limb {
  const s = -side;
  const size = width * 0.68;
  const wrist: Xy = [
    eyes[0] + s * width * random.uniform(0.5, 0.75),
    eyes[1] + width * random.uniform(2.1, 2.5),
  ];
  const tilt = -s * random.uniform(48, 78);
  const pose = { back: true, spread: random.uniform(0, 0.3), curl: random.uniform(0.3, 0.7) };
  const flip = s === 1 ? 1 : -1;
  const drawing = drawHand(person, pose, place(wrist[0], wrist[1], tilt, size * flip, size));
  const elbow: Xy = [wrist[0] + s * width * 0.95, wrist[1] + width * 0.85];
  const shoulder: Xy = [eyes[0] + s * width * 1.0, eyes[1] + width * 1.5];
  return { svg: drawArm(person, { wrist, elbow, shoulder, size, tilt }) + drawing.svg, drawing };
}

function bystander(person: Person, side: -1 | 1, random: Random): { svg: string; head: HeadDrawing } {
  const eyes: Xy = [side === 1 ? random.uniform(62, 78) : random.uniform(306, 322), random.uniform(120, 150)];
  const stance: Stance = { side, width: random.uniform(48, 56), eyes, roll: 3 * clip(random.normal(), 2) };
  const head = headAt(person, stance, random.split("head"));
  return { svg: head.behind + drawTorso(person, stance) + head.front, head };
}

function drawLight(random: Random): string {
  const degrees = random.uniform(0, 360);
  const tint = random.pick(["#ffb070", "#ffd9a0", "#80a8ff", "#ffffff"]);
  const stop = (offset: number, opacity: number) =>
    el("stop", { offset, "stop-color": "#05060c", "stop-opacity": opacity });
  const gradient = el(
    "linearGradient",
    { id: "light", gradientTransform: `rotate(${degrees.toFixed(2)} 0.5 0.5)` },
    stop(0, random.uniform(0, 0.12)) + stop(1, random.uniform(0.12, 0.42)),
  );
  const all = { width: FRAME_WIDTH, height: FRAME_HEIGHT };
  return [
    el("defs", {}, gradient),
    el("rect", { ...all, fill: "url(#light)" }),
    el("rect", { ...all, fill: tint, opacity: random.uniform(0.02, 0.08) }),
  ].join("");
}

/** The letters D, R, A, W, N in a box 8 wide and 10 high each. */
const LETTERS = [
  "M0 0V10H3L7 7V3L3 0Z",
  "M0 10V0H5L7 2V3L5 5H0M4 5L7 10",
  "M0 10L3.5 0L7 10M1.5 6H5.5",
  "M0 0L2 10L3.5 4L5 10L7 0",
  "M0 10V0L7 10V0",
];

function stamp(): string {
  const word = (color: string, width: number) =>
    LETTERS.map((d, i) =>
      stroke(d, color, width, { transform: `translate(${i * 10} 0)`, "stroke-linejoin": "round" }),
    ).join("");
  return el(
    "g",
    { transform: `translate(8 ${FRAME_HEIGHT - 18})` },
    word("#000000", 3.4) + word("#ffffff", 1.5),
  );
}

function document(body: string, light: string, blurred: boolean): string {
  const blur = blurred
    ? el("defs", {}, el("filter", { id: "blur" }, el("feGaussianBlur", { stdDeviation: 11 })))
    : "";
  const picture = blurred ? el("g", { filter: "url(#blur)" }, body) : body;
  const size = { width: FRAME_WIDTH, height: FRAME_HEIGHT, viewBox: `0 0 ${FRAME_WIDTH} ${FRAME_HEIGHT}` };
  return el("svg", { xmlns: "http://www.w3.org/2000/svg", ...size }, blur + picture + light + stamp());
}

function rel([x, y]: Xy): Xy {
  return [round(x / FRAME_WIDTH), round(y / FRAME_HEIGHT)];
}

/** HaGRID gives 8 decimals. */
function round(value: number): number {
  return Math.round(value * 1e8) / 1e8;
}

function hand(drawing: HandDrawing, label: DrawnHand["label"], bad: BadKind | undefined): DrawnHand {
  const box = boxAround(drawing.outline, 4);
  const points = drawing.points.map(rel);
  const away = points.map(([x, y]): Xy => [round(x > 0.5 ? x - 0.4 : x + 0.4), round(1 - y)]);
  return {
    label,
    box: bad === "box-outside" ? beyond(box) : box,
    points: bad === "wrong-landmarks" ? away : points,
  };
}

/** The box with its outer side a hundredth of the width outside the frame, as rounding may leave it. */
function beyond([x, y, w, h]: RelBox): RelBox {
  return x + w / 2 > 0.5 ? [x, y, round(1.01 - x), h] : [-0.01, y, round(x + w + 0.01), h];
}

/** Box around points, with a margin in frame units, cut at the frame. */
function boxAround(points: readonly Xy[], margin: number): RelBox {
  const cut = (v: number, limit: number) => Math.min(Math.max(v, 0), limit);
  const xs = points.map((p) => p[0]);
  const ys = points.map((p) => p[1]);
  const [x0, y0] = rel([
    cut(Math.min(...xs) - margin, FRAME_WIDTH),
    cut(Math.min(...ys) - margin, FRAME_HEIGHT),
  ]);
  const [x1, y1] = rel([
    cut(Math.max(...xs) + margin, FRAME_WIDTH),
    cut(Math.max(...ys) + margin, FRAME_HEIGHT),
  ]);
  return [x0, y0, round(x1 - x0), round(y1 - y0)];
}

function faceOf(head: HeadDrawing): DrawnFace {
  return { box: boxAround(head.outline, 0), points: head.points.map(rel) };
}

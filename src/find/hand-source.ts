// ◇ Browser-safe. Where a hand is cut: by its annotated landmarks, by those of a model, or by its box; which one is recorded.
// Source: hand-square.ts, hand-sight.ts. Invariant: landmarks that do not fill the annotated box, or that the picture does
// not show, are not used.

import { closeAll, Handle, openAll } from "../core/handle.ts";
import { lend } from "../core/lend.ts";
import type { Picture } from "../pixels/fast/picture.ts";
import { type PhotoLike, Pictures, photoOf } from "../pixels/fast/pictures.ts";
import type { Box, Point } from "../pixels/geometry.ts";
import { HAND_MARGIN, handCropFromBox, handSquare, turnedCrop } from "./crops.ts";
import { type HandModel, MIN_FIT, openHandModelOn } from "./hand-model.ts";
import { type AnnotatedHand, type SeenHand, seeHand } from "./hand-sight.ts";
import {
  LANDMARKS_SCALE,
  LANDMARKS_SHIFT,
  onGrid,
  squareFromBox,
  squareFromLandmarks,
  type TurnedSquare,
} from "./hand-square.ts";
import type { ModelHost } from "./models.ts";

/** How hands may be cut: turned by landmarks, or upright about the box. */
export const HAND_CROPS = ["landmarks", "box"] as const;
export type HandCrop = (typeof HAND_CROPS)[number];

/** What a crop was made from: landmarks of the annotation, of the model, or the box alone. */
export const HAND_SOURCES = ["annotation", "model", "box"] as const;
export type HandSource = (typeof HAND_SOURCES)[number];

/** Where landmarks are missing, the box gives a square of the size that landmarks would give (median). */
export const FALLBACK_MARGIN = 0.16;

/** How the hand of a frame is cut, and what is known of it. */
export interface PlacedHand {
  readonly from: HandSource;
  readonly square: TurnedSquare;
  readonly points?: readonly Point<"px">[] | undefined;
  /** IoU of the annotated landmarks' bounds with the box; absent without annotated landmarks. */
  readonly fit?: number | undefined;
  /** How far the annotated landmarks are from those seen at them, long sides of the box. */
  readonly off?: number | undefined;
  /** The model's; absent if it was not asked or found none. */
  readonly presence?: number | undefined;
  /** Annotated landmarks fill their box, but the picture shows no hand at them or in it. */
  readonly misplaced?: true | undefined;
}

export interface HandCutter {
  readonly crop: HandCrop;
  /** Of the landmark model; undefined if hands are cut by their boxes. */
  readonly model: HandModel["recipe"] | undefined;
  /** What the picture shows where a hand is annotated; loads the landmark model where it is not. */
  see(image: PhotoLike, hand: AnnotatedHand): Promise<SeenHand>;
  /**
   * Where the hand is cut.
   *
   * @param already - what `see` gave for the same hand, so that the picture is not read again
   */
  place(
    image: PhotoLike,
    box: Box<"px">,
    points?: readonly Point<"px">[],
    already?: SeenHand,
  ): Promise<PlacedHand>;
  /** Cuts it; the crop is lent as the picture is. */
  cut(image: Picture, box: Box<"px">, placed: PlacedHand, sizePx: number): Picture;
  close(): Promise<void>;
}

/**
 * Opens what cuts hands.
 *
 * @param host - what gives and runs models
 * @param crop - how; only `landmarks` loads models
 * @param threads - number of models, one thread each
 * @example const hands = await openHandCutterOn(host, "landmarks", 2)
 */
export async function openHandCutterOn(
  host: ModelHost,
  crop: HandCrop,
  threads: number,
): Promise<HandCutter> {
  if (crop === "box") return boxCutter(host);
  const models = await openAll(Array.from({ length: threads }, () => openHandModelOn(host, 1)));
  const withModel = lend(models);
  const pictures = new Pictures(); // for pixels that come without an owner
  const handle = new Handle("hand cutter", () => closeAll(models));
  const see: HandCutter["see"] = (image, hand) =>
    handle.use(() => withModel((model) => seeHand(model, photoOf(pictures, image), hand)));
  return {
    crop,
    model: models[0]!.recipe,
    see,
    place: async (image, box, points, already) => {
      const { known, points: seen } = recorded(already ?? (await see(image, { box, points })));
      if (seen === undefined)
        return { ...known, from: "box", square: onGrid(squareFromBox(box, FALLBACK_MARGIN)) };
      return { ...known, points: seen, square: onGrid(squareFromLandmarks(seen)) };
    },
    cut: (image, _box, { square }, sizePx) => turnedCrop(image, square, sizePx),
    close: () => handle.release(),
  };
}

/** What is recorded of a hand that was searched for. */
function recorded({ from, points, fit, off, presence }: SeenHand) {
  const known = {
    from: from === "none" ? ("box" as const) : from,
    fit,
    off,
    presence,
    misplaced: from === "none" && fit !== undefined && fit >= MIN_FIT ? (true as const) : undefined,
  };
  return { known, points };
}

/** Cuts by the box alone; the model is loaded only to check landmarks, or what a turned picture is annotated in. */
function boxCutter(host: ModelHost): HandCutter {
  let opened: HandModel | undefined;
  const withTurn = lend(["turn"]);
  const handle = new Handle("hand cutter", () => opened?.close());
  const see: HandCutter["see"] = (image, hand) =>
    handle.use(() =>
      withTurn(async () => {
        opened ??= await openHandModelOn(host, 1); // after a failure the next call tries again
        return seeHand(opened, image, hand);
      }),
    );
  return {
    crop: "box",
    model: undefined,
    see,
    place: async (image, box, points, already) => {
      const { x, y, width } = handSquare(box, HAND_MARGIN);
      const square = { centre: { x: x + width / 2, y: y + width / 2 }, sidePx: width, angle: 0 };
      if (points === undefined) return { from: "box", square };
      const { known, points: seen } = recorded(already ?? (await see(image, { box, points })));
      return { ...known, from: "box", square, points: seen };
    },
    cut: (image, box, _placed, sizePx) => handCropFromBox(image, box, sizePx, HAND_MARGIN),
    close: () => handle.release(),
  };
}

/** The part of the image recipe that decides how hands are cut. */
export function handRecipe({ crop, model }: Pick<HandCutter, "crop" | "model">) {
  if (model === undefined) return { crop: "box-square", margin: HAND_MARGIN, filter: "pil-bilinear" };
  return {
    crop: `mediapipe-${crop}`,
    margin: FALLBACK_MARGIN,
    filter: "dlib-pyramid-bilinear",
    scale: LANDMARKS_SCALE,
    shiftY: LANDMARKS_SHIFT,
    minFit: MIN_FIT,
    model,
  };
}

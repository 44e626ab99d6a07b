// What was found in a photo and which parts were cut from it, drawn into the photo.
import type { Modality } from "../core/words.ts";
import { fromSquare, type TurnedSquare } from "../find/hand-square.ts";
import { type Colour, drawOutline } from "../pixels/draw.ts";
import type { Box } from "../pixels/geometry.ts";
import type { RgbImage } from "../pixels/pixels.ts";

const COLOURS = { hand: [255, 170, 0], face: [0, 200, 255] } as const satisfies Record<Modality, Colour>;

/** What was found, and in white what was cut around it. */
export function drawFound(image: RgbImage, modality: Modality, box: Box<"px">, square: TurnedSquare): void {
  const corners = [
    { x: 0, y: 0 },
    { x: 1, y: 0 },
    { x: 1, y: 1 },
    { x: 0, y: 1 },
  ] as const;
  drawOutline(
    image,
    corners.map((corner) => fromSquare(square, corner)),
    [255, 255, 255],
  );
  const at = ({ x, y }: (typeof corners)[number]) => ({
    x: box.x + x * box.width,
    y: box.y + y * box.height,
  });
  drawOutline(image, corners.map(at), COLOURS[modality]);
}

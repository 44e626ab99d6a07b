// ◇ Browser-safe. A photo with what was found and cut drawn over it, and what the model gives for each crop.
import { useEffect, useRef } from "preact/hooks";
import { fromSquare } from "../../find/hand-square.ts";
import type { Point } from "../../pixels/geometry.ts";
import { FaultNote } from "../parts/fault.tsx";
import { CropAnswer } from "./crop-answer.tsx";
import type { Asked } from "./desk.ts";
import type { PhotoAnswer, PredictedCrop } from "./worker.ts";

/** One photo. */
export function PhotoAnswers({ photo }: { readonly photo: Asked }) {
  const { name, model, answer, fault } = photo;
  return (
    <article class="predict-answer" aria-label={name} aria-busy={answer === undefined && fault === undefined}>
      <h2>
        {name} <small class="soft">by {model}</small>
      </h2>
      {fault === undefined ? null : <FaultNote fault={fault} />}
      {answer === undefined ? (
        fault === undefined && <p role="status">Looking …</p>
      ) : (
        <>
          <Photo answer={answer} name={name} />
          <div>
            {answer.crops.map((crop) => (
              <CropAnswer key={crop.found?.modality ?? "crop"} crop={crop} />
            ))}
          </div>
          <p class="soft">
            {answer.width} × {answer.height} px; decoded in {ms(answer.ms.decode)}, found and cut in{" "}
            {ms(answer.ms.find)}, predicted in {ms(answer.ms.predict)}
            {answer.notes.map((note) => `; ${note}`)}
          </p>
        </>
      )}
    </article>
  );
}

const ms = (value: number) => `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`;

function Photo({ answer, name }: { readonly answer: PhotoAnswer; readonly name: string }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const { width, height, shown, crops } = answer;
  useEffect(() => {
    canvas.current?.getContext("2d")?.drawImage(shown, 0, 0);
  }, [shown]);
  return (
    <figure class="predict-shown">
      <div class="predict-drawn">
        <canvas ref={canvas} width={shown.width} height={shown.height} role="img" aria-label={name} />
        <svg class="predict-marks" viewBox={`0 0 ${width} ${height}`} aria-hidden="true">
          {crops.map((crop) => (
            <Mark key={crop.found?.modality} crop={crop} />
          ))}
        </svg>
      </div>
      <figcaption>
        {crops.some(({ found }) => found !== undefined)
          ? "dashed: what was found; solid: what the model saw, its upper side ticked"
          : "taken for a crop: the model saw all of it"}
      </figcaption>
    </figure>
  );
}

function Mark({ crop: { found } }: { readonly crop: PredictedCrop }) {
  if (found === undefined) return null;
  const { modality, box, square } = found;
  const at = (x: number, y: number): Point<"px"> => fromSquare(square, { x, y });
  const path = (points: readonly Point<"px">[]) => points.map(({ x, y }) => `${x},${y}`).join(" ");
  return (
    <g class={`predict-${modality}`}>
      <rect class="predict-box" x={box.x} y={box.y} width={box.width} height={box.height} />
      <polygon points={path([at(0, 0), at(1, 0), at(1, 1), at(0, 1)])} />
      <polyline points={path([at(0.5, 0), at(0.5, 0.08)])} />
    </g>
  );
}

// ◇ Browser-safe. What a model gives for one crop: the crop as it saw it, the probability, what its gate says, and what small
// changes of the crop do.
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { AppError } from "../../core/errors.ts";
import { GATED } from "../../predict/predictor.ts";
import { faultOf } from "../app/fault.ts";
import { FaultNote } from "../parts/fault.tsx";
import { predictChanges } from "./thread.ts";
import type { ChangedCrop, CropPixels, PredictedCrop } from "./worker.ts";

/** One crop. */
export function CropAnswer({ crop }: { readonly crop: PredictedCrop }) {
  const { prediction, found, sizePx, pixels } = crop;
  const { probability, decision, modality, gateHand, head, uncropped, warning, classes = {} } = prediction;
  return (
    <section class="predict-crop" aria-label={found?.modality ?? "crop"}>
      <Pixels sizePx={sizePx} pixels={pixels} words={`${found?.modality ?? "crop"} as the model saw it`} />
      <div>
        <h3>{found?.modality ?? modality ?? "crop"}</h3>
        <p>
          probability of male, as recorded in the training labels: <Figure probability={probability} />, so “
          {decision}”
        </p>
        <Bar probability={probability} />
        {gateHand === null ? null : (
          <p class="soft">
            the gate gives the hand head {gateHand.toFixed(3)};{" "}
            {head === GATED ? "both heads are mixed by it" : `the ${head} head decided alone`}
          </p>
        )}
        {Object.entries(classes).map(([target, shares]) => (
          <p key={target} class="soft">
            {target}: {likeliest(shares)}
          </p>
        ))}
        {uncropped === undefined ? null : (
          <p class="trouble">This may be a photo, not a crop: {uncropped}.</p>
        )}
        {warning === undefined ? null : <p class="trouble">{warning}</p>}
        <Changes crop={crop} />
      </div>
    </section>
  );
}

function likeliest(shares: Readonly<Record<string, number>>): string {
  const [first] = Object.entries(shares).sort(([, a], [, b]) => b - a);
  return first === undefined ? "none" : `${first[0]} ${first[1].toFixed(3)}`;
}

const Figure = ({ probability }: { readonly probability: number }) => (
  <data value={String(probability)}>{probability.toFixed(4)}</data>
);

const Bar = ({ probability }: { readonly probability: number }) => (
  <span class="predict-bar" aria-hidden="true">
    <span class="predict-fill" style={{ width: `${100 * probability}%` }} />
  </span>
);

/** Pixels, as they are. */
function Pixels({ sizePx, pixels, words }: Omit<CropPixels, "asked"> & { readonly words: string }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const image = new ImageData(sizePx, sizePx);
    for (let from = 0, to = 0; from < pixels.length; from += 3, to += 4) {
      for (let c = 0; c < 3; c++) image.data[to + c] = pixels[from + c]!;
      image.data[to + 3] = 255;
    }
    canvas.current?.getContext("2d")?.putImageData(image, 0, 0);
  }, [pixels]);
  return <canvas ref={canvas} width={sizePx} height={sizePx} role="img" aria-label={words} />;
}

/** The strip, made when it is asked for. */
function Changes({ crop: { sizePx, pixels, asked } }: { readonly crop: PredictedCrop }) {
  const strip = useSignal<readonly ChangedCrop[] | undefined>(undefined);
  const fault = useSignal<AppError | undefined>(undefined);
  const ask = async () => {
    try {
      strip.value = await predictChanges({ sizePx, pixels, asked });
    } catch (error) {
      fault.value = faultOf(error);
    }
  };
  return (
    <details
      onToggle={({ currentTarget }) => void (currentTarget.open && strip.peek() === undefined && ask())}
    >
      <summary>What would change it</summary>
      {fault.value === undefined ? null : <FaultNote fault={fault.value} />}
      {strip.value === undefined ? (
        <p role="status">Predicting …</p>
      ) : (
        <ol class="predict-strip">
          {strip.value.map(({ what, pixels: changed, probability }) => (
            <li key={what}>
              <Pixels sizePx={sizePx} pixels={changed} words={what} />
              <span class="predict-what">{what}</span>
              <Figure probability={probability} />
            </li>
          ))}
        </ol>
      )}
    </details>
  );
}

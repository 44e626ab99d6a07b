// ◇ Browser-safe. Predict: a photo, and what a model gives for the face and the hand in it; all of it happens in the page.
import { useEffect, useRef } from "preact/hooks";
import { address } from "../app/address.ts";
import { useKeys } from "../app/keys.ts";
import { thingOf, thingsOf } from "../app/source.ts";
import { Camera } from "./camera.tsx";
import { canPredict, detect, modality, model, openRun, photos, predict } from "./desk.ts";
import { ModelChoice } from "./model-choice.tsx";
import { PhotoAnswers } from "./photo-answers.tsx";

const MODALITY_WORDS = { auto: "as found, or by the model's gate", hand: "hand", face: "face" } as const;

const filesOf = (list: DataTransfer | null) =>
  [...(list?.files ?? [])].filter(({ type }) => type === "" || type.startsWith("image/"));

/** The view. */
export function PredictView() {
  const input = useRef<HTMLInputElement>(null);
  const able = thingsOf("run").filter(canPredict);
  const run = thingOf(address.value.thing) ?? (able.length === 1 ? able[0] : undefined);
  useEffect(() => {
    if (run !== undefined && canPredict(run)) openRun(run);
  }, [run?.id]);
  useEffect(() => {
    const take = (event: Event, data: DataTransfer | null) => {
      const files = filesOf(data);
      if (files.length === 0) return;
      event.preventDefault(); // or the browser would leave the page for the file
      if (model.peek()?.opened !== undefined) void predict(files);
    };
    const paste = (event: ClipboardEvent) => take(event, event.clipboardData);
    const drop = (event: DragEvent) => take(event, event.dataTransfer);
    const over = (event: DragEvent) => event.preventDefault();
    document.addEventListener("paste", paste);
    document.addEventListener("drop", drop);
    document.addEventListener("dragover", over);
    return () => {
      document.removeEventListener("paste", paste);
      document.removeEventListener("drop", drop);
      document.removeEventListener("dragover", over);
    };
  }, []);
  useKeys([{ keys: ["o"], does: "open photos", run: () => input.current?.click() }]);
  const ready = model.value?.opened !== undefined;
  return (
    <div class="predict">
      <h1>Predict</h1>
      <p class="soft">
        A model gives the probability that a picture like this was labelled male in its training data: an
        apparent label, not who a person is. Photos stay in this page.
      </p>
      <ModelChoice />
      <fieldset class="predict-photo" disabled={!ready}>
        <legend>Photos</legend>
        <label class="predict-file">
          Choose photos, or drop or paste them here <kbd>o</kbd>
          <input
            ref={input}
            type="file"
            accept="image/*"
            multiple
            onChange={({ currentTarget }) => {
              void predict([...(currentTarget.files ?? [])]);
              currentTarget.value = "";
            }}
          />
        </label>
        <Camera disabled={!ready} />
        <label>
          <input
            type="checkbox"
            checked={detect.value}
            onChange={({ currentTarget }) => {
              detect.value = currentTarget.checked;
            }}
          />{" "}
          Find the face and the hand first; without it, the picture is taken for a crop
        </label>
        <label>
          What is predicted{" "}
          <select
            value={modality.value}
            onChange={({ currentTarget }) => {
              modality.value = currentTarget.value as keyof typeof MODALITY_WORDS;
            }}
          >
            {Object.entries(MODALITY_WORDS).map(([value, words]) => (
              <option key={value} value={value}>
                {words}
              </option>
            ))}
          </select>
        </label>
      </fieldset>
      {photos.value.map((photo) => (
        <PhotoAnswers key={photo.key} photo={photo} />
      ))}
    </div>
  );
}

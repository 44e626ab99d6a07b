// Predicts the face in a photo by a checkpoint; both are chosen by the visitor and read in the page.
import { openFinder, openPredictor, predictPhoto } from "facehand/predict";
import * as ort from "onnxruntime-web/wasm";

/** The face detector, which is installed with facehand. */
const FACES = new URL(
  "./node_modules/@mediapipe/face_detection/face_detection_full_range.tflite",
  import.meta.url,
);

const at = (id) => document.getElementById(id);
const bytesOf = async (source) => new Uint8Array(await source.arrayBuffer());

/** Pixels of a file that is no plain JPEG, by the browser. */
async function decode(bytes) {
  const image = await createImageBitmap(new Blob([bytes]));
  const { width, height } = image;
  const context = new OffscreenCanvas(width, height).getContext("2d");
  context.drawImage(image, 0, 0);
  const rgba = context.getImageData(0, 0, width, height).data;
  return { width, height, data: Uint8Array.from(rgba.filter((_, i) => i % 4 < 3)) };
}

async function ask(checkpoint, photo) {
  const faces = await bytesOf(await fetch(FACES));
  const finder = await openFinder({ models: { faces }, ort });
  const model = await openPredictor({ checkpoint: await bytesOf(checkpoint), ort });
  const [face] = await predictPhoto(await bytesOf(photo), { model, finder, modality: "face", decode });
  await Promise.all([finder.close(), model.close()]);
  return `Probability of male, as recorded in the training labels: ${face.probability.toFixed(6)}`;
}

async function show() {
  const [[checkpoint], [photo]] = [at("checkpoint").files, at("photo").files];
  if (checkpoint === undefined || photo === undefined) return;
  at("answer").textContent = "Predicting ...";
  at("answer").textContent = await ask(checkpoint, photo).catch((error) => error.message);
}

at("checkpoint").addEventListener("change", show);
at("photo").addEventListener("change", show);

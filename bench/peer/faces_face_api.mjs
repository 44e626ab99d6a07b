// Predictions of face-api's AgeGenderNet (npm, @vladmandic/face-api) for a folder of UTKFace's aligned faces, as a table for
// `facehand evaluate`. Usage: faces_face_api.mjs PACKAGE FOLDER OUT.csv, PACKAGE being its folder in some node_modules.
// Beside it, @tensorflow/tfjs and its backend-wasm have to be installed. What its network was trained on is said to be UTKFace among
// others, so that these faces may be known to it.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import sharp from "sharp";

const [packageDir, folder, out] = process.argv.slice(2);
const faceapi = createRequire(import.meta.url)(join(resolve(packageDir), "dist/face-api.node-wasm.js"));
const { tf } = faceapi;
await tf.setBackend("wasm");
await tf.ready();

const net = new faceapi.AgeGenderNet();
const [{ weights }] = JSON.parse(
  readFileSync(join(packageDir, "model/age_gender_model-weights_manifest.json"), "utf8"),
);
const { buffer, byteOffset, byteLength } = readFileSync(join(packageDir, "model/age_gender_model.bin"));
net.loadFromWeightMap(tf.io.decodeWeights(buffer.slice(byteOffset, byteOffset + byteLength), weights));

const lines = ["id,y,p"];
for (const name of readdirSync(folder).sort()) {
  const { data, info } = await sharp(join(folder, name))
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  const input = tf.tensor4d(new Float32Array(data), [1, info.height, info.width, 3]);
  const { gender, genderProbability: p } = await net.predictAgeAndGender(input);
  input.dispose();
  lines.push(`${name},${name.split("_")[1] === "1" ? "female" : "male"},${gender === "male" ? p : 1 - p}`);
}
writeFileSync(out, `${lines.join("\n")}\n`);

// A walk through facehand, cell by cell: `npx tsx examples/walk.mts [DIR]`; what is in DIR already is not made again.
// docs/walk.md shows it with what it prints (`node scripts/walk.mjs`). It needs the packages "facehand" and, to run TypeScript, "tsx".

// %% Frames of people who are nobody
// HaGRID is 700 GB, and its people are real. The built-in sample is drawn: frames with annotations in HaGRID's form, by seed. Figures
// computed on it prove nothing about real people; the calls are the same.
import { join } from "node:path";
import {
  checkDataset,
  derive,
  drawSample,
  evaluationRows,
  exportDataset,
  exportOnnx,
  formatShow,
  formatSummary,
  imagePath,
  loadModel,
  locate,
  openLocalPredictor,
  parseTrainConfig,
  predictPhoto,
  readPairs,
  showDataset,
  summarize,
  train,
} from "facehand";

const dir = process.argv[2] ?? "walk";
const frames = join(dir, "frames");
const { subjects, framesPerSubject, bad } = await drawSample(frames, {
  subjects: 100,
  framesPerSubject: 2,
  seed: 42,
});
console.log(
  `${subjects} people, ${framesPerSubject} frames of each, ${Object.keys(bad).length} of them bad on purpose`,
);

// %% Pairs: the face and the hand of one person
// Faces of photographs are detected; drawn ones come with their landmarks. Every frame that was removed has its reason in ledger.csv.
const pairs = join(dir, "pairs");
const { manifest } = await derive({
  hagridDir: frames,
  gestures: "all",
  faceLandmarksFile: join(frames, "face_landmarks.json"),
  outDir: pairs,
  sizePx: 96,
  fractions: { train: 0.5, val: 0.2, test: 0.3 },
  seed: 42,
});
console.log(`${manifest.counts.kept} of ${manifest.counts.frames} frames kept`);
console.log(Object.entries(manifest.counts.removed).filter(([, n]) => n > 0));

// %% What is in it, and whether it is sound
// A subject is in one split only, every picture opens, and no two people share one: or the check says so.
console.log(formatShow(await showDataset(pairs)));
const { totals, findings } = await checkDataset(pairs);
console.log(totals, [...new Set(findings.map(({ code }) => code))]);

// %% A model
// UMCC with a flag for the modality, on the smallest backbone, from random weights: seconds, not hours. `best` is the epoch that
// validation chose.
const run = join(dir, "umcc");
const config = parseTrainConfig({
  arch: "umcc",
  tag: "test_efficientnet.none_F1_Af_Lb_Z0",
  data: [`pairs:${pairs}`],
  ...{ imageSize: 32, pixels: "inception", epochs: 4, batch: 16, lr: 0.004, warmupEpochs: 1, seed: 42 },
});
const { best } = await train(config, { dir: run });
console.log(`epoch ${best.epoch} of ${config.epochs}`);

// %% Figures, with intervals over subjects
// The label is an apparent one, recorded by machines or annotators; it is nobody's identity. What rests on fewer than 20 subjects is
// marked, or not shown.
const rows = await evaluationRows(run, { split: "test", workers: 1 });
console.log(formatSummary(summarize(rows, { groups: [["gesture"]] })));

// %% A figure of one's own
// Rows are plain: a subject, a modality, the recorded label, a probability. Here: of how many pairs the face and the hand, which are of
// one person, are decided differently.
const decided = new Map<string, Set<boolean>>();
for (const { id, probability } of rows) {
  const [pair = ""] = id.split("/"); // <pair>/hand, <pair>/face
  decided.set(pair, (decided.get(pair) ?? new Set()).add(probability >= 0.5));
}
const differing = [...decided.values()].filter(({ size }) => size === 2).length;
console.log(`${differing} of ${decided.size} pairs`);

// %% One image
// A crop of the dataset; `detect: true` would search a whole photo for a face and a hand first.
const layout = await locate(pairs);
const [pair] = (await readPairs(pairs)).test;
const model = await openLocalPredictor(run);
const crop = imagePath(layout, "face", pair!.faceImage);
for (const { probability } of await predictPhoto(crop, { model, detect: false, modality: "face" }))
  console.log(`recorded as ${pair!.gender}; p(male) = ${probability.toFixed(2)}`);
await model.close();

// %% For others
// Pairs with their pictures as Parquet, and the model as ONNX: examples/from_python.py reads both.
import { existsSync, writeFileSync } from "node:fs";

const shards = join(dir, "parquet");
if (!existsSync(shards)) await exportDataset(pairs, "parquet", shards);
const { bytes, opset } = exportOnnx(await loadModel(run));
writeFileSync(join(dir, "umcc.onnx"), bytes);
console.log(`umcc.onnx: opset ${opset}`);

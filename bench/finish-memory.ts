// `node --import tsx bench/finish-memory.ts FRAMES DIR`, twice: what the tables of so many frames take, memory and time.
// The first call invents the journal of a derivation and empty crops in DIR.partial, two files a frame; the second one
// writes tables, ledger and manifest from them and prints its peak memory. No frame of it is anyone's.
import { createHash } from "node:crypto";
import { once } from "node:events";
import { closeSync, createWriteStream, existsSync, openSync } from "node:fs";
import type { Derivation } from "../src/dataset/manifest.ts";
import { ruleSettings } from "../src/derive/judge/clean.ts";
import { finish } from "../src/derive/run/finish.ts";
import { openStage, type Stage } from "../src/derive/run/stage.ts";
import { takeLock } from "../src/machine/lock.ts";
import { peakBytes } from "../src/machine/peak-memory.ts";

/** Frames of one subject, each of another gesture. */
const GESTURES = 18;
const hash = (text: string) => createHash("sha256").update(text).digest("hex");

async function invent({ journal, layout }: Stage, frames: number): Promise<void> {
  const subjects = Math.ceil(frames / GESTURES);
  const out = createWriteStream(journal);
  for (let i = 0; i < frames; i++) {
    const subject = i % subjects;
    const imageId = hash(`${i}`).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*$/, "$1-$2-$3-$4-$5");
    const measures = {
      face_px: 200 + (i % 7),
      face_sharpness: 100,
      hand_sharpness: 100,
      highlight: 200,
      ita: 30,
    };
    const frame = {
      ...{ imageId, gesture: `gesture${i % GESTURES}`, split: "train", userId: hash(`user ${subject}`) },
      meta: { age: [20 + ((i * 7) % 40)], gender: [subject % 2 === 0 ? "female" : "male"], race: ["White"] },
      ...{ sha256: hash(`file ${i}`), size: [1080, 1440], faces: 1, faceScore: 0.9, hand: "annotation" },
      ...{ faceBox: [100.25, 200.5, 200.75, 210.25], handBox: [400.5, 300.25, 150.5, 160.5], measures },
      ...{ look: hash(`look ${i}`), crops: ["hand", "face"] },
    };
    if (!out.write(`${JSON.stringify(frame)}\n`)) await once(out, "drain");
    for (const name of [`${layout.images.hand}/H_${imageId}.jpg`, `${layout.images.face}/F_${imageId}.jpg`])
      closeSync(openSync(name, "w"));
  }
  out.end();
  await once(out, "close");
}

const [frames = "", dir = ""] = process.argv.slice(2);
const lock = await takeLock(dir, "the bench's folder");
const mark = { derivationHash: "invented", basis: "invented", erases: false };
const stage = await openStage(dir, lock, mark);
if (existsSync(stage.journal)) {
  const selection = { splits: "balanced", fractions: { train: 0.76, val: 0.09, test: 0.15 }, seed: 42 };
  const labels = { ageEdges: [0, 3, 10, 20, 30, 40, 50, 60, 70] };
  const derivation = { recipe: {}, rules: ruleSettings(), labels, selection, source: {}, drawn: true };
  const startMs = performance.now();
  const { counts } = await finish(stage, derivation as unknown as Derivation);
  const seconds = Math.round((performance.now() - startMs) / 1000);
  console.log(`${counts.kept} pairs, ${seconds} s, ${Math.round(peakBytes() / 2 ** 20)} MB at most`);
} else {
  await invent(stage, Number(frames));
  console.log(`${frames} frames in ${stage.root}; now the same command again`);
}

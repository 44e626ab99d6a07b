// What the tests of `facehand study` work on: pairs derived from the drawn sample, a few faces, and the flags that make a
// study small.
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { drawFaces } from "../drawn.ts";
import { laySample } from "../sample.ts";
import { runCli } from "./run.ts";

/** Small enough for a test: one tiny network without weights, one epoch. */
const SMALL = ["--backbone", "test_efficientnet.none", "--image-size", "32", "--epochs", "1", "--batch", "8"];

export interface StudyData {
  /** A new folder with `pairs` and `faces`; to be removed. */
  readonly dir: string;
  /** Flags of a study on the pairs. */
  readonly flags: readonly string[];
}

/** Makes the data in a folder of its own. */
export async function studyData(): Promise<StudyData> {
  const dir = await mkdtemp(join(tmpdir(), "facehand-study-"));
  const at = (name: string) => join(dir, name);
  await laySample(at("raw"), { subjects: 20, framesPerSubject: 1, seed: 42 });
  const source = [
    "--hagrid",
    at("raw"),
    "--gestures",
    "all",
    "--face-landmarks",
    at("raw/face_landmarks.json"),
  ];
  const shares = ["--val", "0.2", "--test", "0.2", "--size", "64"];
  await runCli("derive", ...source, ...shares, "--out", at("pairs"));
  await drawFaces(at("faces"), 6);
  return { dir, flags: ["--data", `pairs:${at("pairs")}`, ...SMALL] };
}

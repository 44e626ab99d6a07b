// MediaPipe's palm detector as shipped on npm: where it lies in its package, and the whole hand from its palms.
// Source: google-ai-edge/mediapipe modules/palm_detection/palm_detection_cpu.pbtxt; the packing is Emscripten's
// file_packager: a `.data` file and a loader script whose table of names and offsets is read as text, never run.
import { createRequire } from "node:module";
import { z } from "zod";
import { unexpected } from "../core/errors.ts";
import { parseJson } from "../core/schema.ts";
import { readBytes, readText, sha256 } from "../machine/files.ts";
import { type Box, distance, type Point } from "../pixels/geometry.ts";
import type { MediapipeModel } from "./mediapipe.ts";
import type { Candidate } from "./suppress.ts";

/** Points: wrist, knuckles (MCP) of index, middle, ring and little finger, thumb CMC and MCP. */
export const PALM: MediapipeModel = {
  inputPx: 192,
  inputMin: 0,
  points: 7,
  strides: [8, 16, 16, 16],
  anchorsPerLayer: 2,
  minScore: 0.5,
};

/** Of palm_detection_lite.tflite in @mediapipe/hands 0.4; decoding and `wholeHand` fit this file only. */
export const PALM_LITE_SHA256 = "e9a4aaddf90dda56a87235303cf00e4c2d3fb28725f68fd88772997dac905c18";

const ASSETS = "@mediapipe/hands/hands_solution_packed_assets";
const PALM_LITE = "palm_detection_lite.tflite";

/**
 * The bytes of the palm detector in the installed package.
 *
 * @returns a .tflite model, exactly the file of PALM_LITE_SHA256
 * @throws AppError("data", "PACKED_ASSETS" | "HAND_MODEL") if the package holds something else
 */
export async function readPalmModel(): Promise<Uint8Array> {
  const { resolve } = createRequire(import.meta.url);
  const [loader, data] = await Promise.all([
    readText(resolve(`${ASSETS}_loader.js`), "the hand detector's table"),
    readBytes(resolve(`${ASSETS}.data`), "the hand detector"),
  ]);
  return checkPalmModel(unpackAsset(loader, data, PALM_LITE));
}

/**
 * Refuses bytes that are not the palm detector this code decodes.
 *
 * @returns the same bytes
 * @throws AppError("data", "HAND_MODEL")
 */
export function checkPalmModel(bytes: Uint8Array): Uint8Array {
  const got = sha256(bytes);
  if (got === PALM_LITE_SHA256) return bytes;
  throw unexpected("data", {
    code: "HAND_MODEL",
    expected: `sha256 ${PALM_LITE_SHA256}`,
    name: "the hand detector",
    got,
    where: `${PALM_LITE} in ${ASSETS}.data`,
    hint: "npm ci",
  });
}

const count = z.number().int().nonnegative();
const tableSchema = z.strictObject({
  files: z.array(z.strictObject({ filename: z.string(), start: count, end: count })),
  remote_package_size: count,
});

/**
 * One file of an Emscripten package.
 *
 * @param loader - text of the loader script; only its JSON table is read
 * @param data - the packed bytes
 * @param name - file name without its folders
 * @returns the file's bytes, a part of `data`
 * @throws AppError("data", "PACKED_ASSETS" | "JSON_SYNTAX" | "JSON_SCHEMA") if table and data do not fit
 * @source emscripten tools/file_packager.py
 */
export function unpackAsset(loader: string, data: Uint8Array, name: string): Uint8Array {
  const bad = (expected: string, got: unknown) =>
    unexpected("data", { code: "PACKED_ASSETS", expected, name, got, where: ASSETS, hint: "npm ci" });
  const json = /loadPackage\((\{.*\})\);/.exec(loader)?.[1];
  if (json === undefined) throw bad("a table of packed files", "a script without one");
  const table = parseJson(json, tableSchema, `${ASSETS}_loader.js`);
  const size = table.remote_package_size;
  if (data.length !== size) throw bad(`${size} packed bytes`, data.length);
  const entry = table.files.find(({ filename }) => filename.split("/").at(-1) === name);
  if (entry === undefined) throw bad("an entry in the table", table.files.map((f) => f.filename).join(", "));
  if (entry.start > entry.end || entry.end > size) throw bad("a range inside the data", entry);
  return data.subarray(entry.start, entry.end);
}

// With s the side of the palm's square and u the unit vector from wrist to middle knuckle: the hand's box is
// centred SHIFT s along u from the palm's centre, ACROSS.base + ACROSS.lean |u_x| wide and ALONG alike high, in s.
const SHIFT = 0.47;
const ACROSS = { base: 1.31, lean: 0.6 } as const;
const ALONG = { base: 1.87, lean: 0.37 } as const;

/**
 * The whole hand's box, as HaGRID's annotators draw it, from a detected palm.
 *
 * Fitted to the 424 gesture boxes that hold a palm's centre in 464 frames of HaGRID's 18 gestures, for the best
 * mean IoU (0.71). A palm does not show which fingers are stretched: fists come out too high (median IoU 0.60).
 *
 * @param palm - box and points in the order of PALM
 * @returns box that may reach outside the photo
 */
export function wholeHand({ box, points }: Candidate): Box<"px"> {
  const [wrist, , middle] = points as [Point, Point, Point];
  const side = (box.width + box.height) / 2;
  const length = Math.max(distance(wrist, middle), Number.EPSILON);
  const ux = (middle.x - wrist.x) / length;
  const uy = (middle.y - wrist.y) / length;
  const width = side * (ACROSS.base + ACROSS.lean * Math.abs(ux));
  const height = side * (ALONG.base + ALONG.lean * Math.abs(uy));
  const x = box.x + box.width / 2 + SHIFT * side * ux - width / 2;
  const y = box.y + box.height / 2 + SHIFT * side * uy - height / 2;
  return { x, y, width, height };
}

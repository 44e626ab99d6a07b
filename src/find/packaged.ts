// MediaPipe's models out of the npm packages that ship them. Source: the palm detector lies in a package of Emscripten's
// file_packager: a `.data` file and a loader script whose table of names and offsets is read as text, never run.
import { createRequire } from "node:module";
import { z } from "zod";
import { unexpected } from "../core/errors.ts";
import { parseJson } from "../core/schema.ts";
import { readBytes, readText, sha256 } from "../machine/files.ts";
import { checkPackaged, type ModelFile, PACKAGED, type PackagedModel } from "./models.ts";

const ASSETS = "@mediapipe/hands/hands_solution_packed_assets";

/**
 * A model's file out of the installed packages.
 *
 * @throws AppError("data", "FACE_MODEL" | "HAND_MODEL" | "PACKED_ASSETS") if a package holds something else
 * @example const { bytes } = await readPackaged("palms")
 */
export async function readPackaged(model: PackagedModel): Promise<ModelFile> {
  const { bytes, where } = await readers[model]();
  return checkPackaged(model, { bytes, where, sha256: sha256(bytes) });
}

const readers: Readonly<Record<PackagedModel, () => Promise<Pick<ModelFile, "bytes" | "where">>>> = {
  faces: () => readFile(`@mediapipe/face_detection/${PACKAGED.faces.file}`, PACKAGED.faces.name),
  palms: readPalms,
  landmarks: () => readFile(`@mediapipe/hands/${PACKAGED.landmarks.file}`, PACKAGED.landmarks.name),
};

const resolve = (file: string) => createRequire(import.meta.url).resolve(file);

async function readFile(file: string, name: string) {
  return { bytes: await readBytes(resolve(file), name), where: file };
}

async function readPalms() {
  const [loader, data] = await Promise.all([
    readText(resolve(`${ASSETS}_loader.js`), "the hand detector's table"),
    readBytes(resolve(`${ASSETS}.data`), PACKAGED.palms.name),
  ]);
  const { file } = PACKAGED.palms;
  return { bytes: unpackAsset(loader, data, file), where: `${file} in ${ASSETS}.data` };
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

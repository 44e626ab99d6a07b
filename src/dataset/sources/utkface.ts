// UTKFace folders: labels are in the file names, `age_gender_race_date.jpg[.chip.jpg]`, gender 0 = male.
// Source: susanqq.github.io/UTKFace, "Labels". No identities are published: every image is its own subject,
// so two images of one person may fall into two splits; state that beside any figure.
import { readdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { AppError, isNotFound } from "../../core/errors.ts";
import { UTKFACE_RACES } from "../../core/vocabulary.ts";
import type { Sample } from "../../core/words.ts";
import { insteadOfFolder, unpackHint } from "../../machine/sniff-file.ts";
import { ageBucket } from "./groups.ts";

const NAME = /^(\d{1,3})_([01])_([0-4])_.+$/;
const IMAGE = /\.(jpe?g|png)$/i;

/**
 * All faces of a UTKFace folder, in name order.
 *
 * Each image is its own subject (UTKFace records no identity).
 *
 * @param dir - the folder with the images themselves, e.g. `UTKFace` or `crop_part1`
 * @returns samples, and what was left out by reason (nothing: other files than images are not counted)
 * @throws AppError("data", "UTKFACE_NAME") for image names that carry no age, gender and race (a few of the
 *   published ones do), AppError("data", "SOURCE_MISSING" | "SOURCE_EMPTY") for a folder without images
 */
export async function readUtkface(
  dir: string,
): Promise<{ samples: Sample[]; dropped: Readonly<Record<string, number>> }> {
  const root = resolve(dir);
  const names = (await listImages(root)).sort();
  if (names.length === 0) {
    throw new AppError("data", "SOURCE_EMPTY", `Expected UTKFace images in ${root}, got none`, {
      hint: await unpackHint(root, "give the folder that holds the .jpg files themselves"),
    });
  }
  const bad = names.filter((name) => !isLabelled(name));
  if (bad.length > 0) throw badNames(root, bad);
  return { samples: names.map((name) => toSample(root, name)), dropped: {} };
}

async function listImages(root: string): Promise<string[]> {
  try {
    return (await readdir(root)).filter((name) => IMAGE.test(name) && !name.startsWith("."));
  } catch (error) {
    if (!isNotFound(error)) throw error;
    const { got, ...rest } = await insteadOfFolder(root);
    throw new AppError("data", "SOURCE_MISSING", `Expected a UTKFace folder at ${root}, got ${got}`, rest);
  }
}

function isLabelled(name: string): boolean {
  const match = NAME.exec(name);
  return match !== null && Number(match[1]) <= 130;
}

function badNames(root: string, bad: readonly string[]): AppError {
  const shown = bad.slice(0, 3).join(", ") + (bad.length > 3 ? `, … (${bad.length} in all)` : "");
  return new AppError(
    "data",
    "UTKFACE_NAME",
    `Expected age_gender_race_date.jpg for images in ${root}, got ${shown}`,
    {
      hint: "move these files out of the folder: their labels are not known",
    },
  );
}

function toSample(root: string, name: string): Sample {
  const [, age, gender, race] = NAME.exec(name)!;
  return {
    id: name,
    subject: `utkface:${name}`,
    modality: "face",
    sex: gender === "0" ? "male" : "female",
    path: join(root, name),
    source: "utkface",
    groups: { age: ageBucket(Number(age)), race: UTKFACE_RACES[Number(race)]!, gesture: "" },
  };
}

// 11K Hands (M. Afifi, 2019): `HandInfo.csv` and a folder of hand images, several per person.
// The race group is the recorded skinColor, the gesture group the recorded aspectOfHand.
import { readdir } from "node:fs/promises";
import { basename, join } from "node:path";
import { AppError, isNotFound, unexpected } from "../core/errors.ts";
import { readCsv } from "../formats/csv.ts";
import { ageBucket } from "./groups.ts";
import { handsFolders } from "./layout.ts";
import type { Sample, Sex } from "./record.ts";
import { parseSex } from "./store.ts";

const COLUMNS = ["id", "age", "gender", "skinColor", "aspectOfHand", "imageName"] as const;
const OPTIONAL = ["accessories", "nailPolish", "irregularities"] as const;
type Values = Readonly<Record<(typeof COLUMNS)[number], string>>;

/**
 * The hands of an 11K Hands folder, in table order.
 *
 * @param dir - folder with `HandInfo.csv`; the images lie in its folder `Hands` or beside the table
 * @returns samples, and what was left out by reason: rows whose image is absent, images without a row
 * @throws AppError("data", ...) with file and row: FIELD_EMPTY, AGE_VALUE, GENDER_VALUE, IMAGE_NAME,
 *   IMAGE_DUPLICATE, SUBJECT_TWO_SEXES; SOURCE_EMPTY if no row has an image
 */
export async function readHands11k(
  dir: string,
): Promise<{ samples: Sample[]; dropped: Readonly<Record<string, number>> }> {
  const { table, images } = handsFolders(dir);
  const present = await findImages(images);
  const samples: Sample[] = [];
  const listed = new Set<string>();
  const sexes = new Map<string, { sex: Sex; where: string }>();
  let absent = 0;
  for await (const { row, values } of readCsv(table, COLUMNS, { optional: OPTIONAL })) {
    const where = `${table}:${row}`;
    const sex = checkRow(values, listed, sexes, where);
    listed.add(values.imageName);
    const path = present.get(values.imageName);
    if (path === undefined) absent++;
    else samples.push(toSample(values, sex, path));
  }
  if (samples.length === 0) {
    throw new AppError(
      "data",
      "SOURCE_EMPTY",
      `Expected images of ${table} in ${images.join(" or ")}, got none`,
      {
        hint: "unpack the images into the folder Hands beside HandInfo.csv",
      },
    );
  }
  const unlisted = [...present.keys()].filter((name) => !listed.has(name)).length;
  return { samples, dropped: counted({ "image absent": absent, "image not in HandInfo.csv": unlisted }) };
}

function counted(reasons: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(reasons).filter(([, count]) => count > 0));
}

/** Paths by file name; the first folder that holds images wins. */
async function findImages(folders: readonly string[]): Promise<Map<string, string>> {
  for (const folder of folders) {
    const names = (await listFolder(folder)).filter((name) => /^[^.].*\.(jpe?g|png)$/i.test(name));
    if (names.length > 0) return new Map(names.map((name) => [name, join(folder, name)]));
  }
  return new Map();
}

async function listFolder(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (isNotFound(error)) return [];
    throw error;
  }
}

function checkRow(
  values: Values,
  listed: ReadonlySet<string>,
  sexes: Map<string, { sex: Sex; where: string }>,
  where: string,
): Sex {
  const fail = (code: string, expected: string, column: keyof Values) =>
    unexpected("data", { code, expected, name: `column ${column}`, got: values[column], where });
  if (values.id.trim() === "") throw fail("FIELD_EMPTY", "a value", "id");
  if (!/^\d{1,3}$/.test(values.age) || Number(values.age) > 130)
    throw fail("AGE_VALUE", "whole years from 0 to 130", "age");
  const sex = parseSex(values.gender);
  if (sex === undefined) throw fail("GENDER_VALUE", "male or female", "gender");
  if (values.imageName === "" || basename(values.imageName) !== values.imageName)
    throw fail("IMAGE_NAME", "a file name without folders", "imageName");
  if (listed.has(values.imageName)) throw fail("IMAGE_DUPLICATE", "an image named once", "imageName");
  const before = sexes.get(values.id);
  if (before === undefined) sexes.set(values.id, { sex, where });
  else if (before.sex !== sex)
    throw fail("SUBJECT_TWO_SEXES", `${before.sex} as at ${before.where}`, "gender");
  return sex;
}

function toSample(values: Values, sex: Sex, path: string): Sample {
  return {
    id: values.imageName,
    subject: `hands11k:${values.id}`,
    modality: "hand",
    sex,
    path,
    source: "hands11k",
    groups: {
      age: ageBucket(Number(values.age)),
      race: values.skinColor,
      gesture: values.aspectOfHand,
    },
  };
}

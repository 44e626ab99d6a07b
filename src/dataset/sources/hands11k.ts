// 11K Hands (M. Afifi, 2019): `HandInfo.csv` and a folder of hand images, several per person.
// The race group is the recorded skinColor, the gesture group the recorded aspectOfHand.
import { join } from "node:path";
import { AppError, unexpected } from "../../core/errors.ts";
import { accept, faultError } from "../../core/spelling.ts";
import { hands11kKey, SubjectKeys } from "../../core/subject.ts";
import { parseGesture, parseRace, parseSex, type Sex } from "../../core/vocabulary.ts";
import type { Sample } from "../../core/words.ts";
import { readCsv } from "../../formats/csv.ts";
import { unpackHint } from "../../machine/sniff-file.ts";
import { ImageNames, listImageNames } from "../image-names.ts";
import { handsFolders } from "../layout.ts";
import { ageBucket } from "./groups.ts";

const COLUMNS = ["id", "age", "gender", "skinColor", "aspectOfHand", "imageName"] as const;
const OPTIONAL = ["accessories", "nailPolish", "irregularities"] as const;
type Values = Readonly<Record<(typeof COLUMNS)[number], string>>;

/**
 * The hands of an 11K Hands folder, in table order.
 *
 * @param dir - folder with `HandInfo.csv`; the images lie in its folder `Hands` or beside the table
 * @returns samples, and what was left out by reason: rows whose image is absent, images without a row
 * @throws AppError("data", ...) with file and row: FIELD_EMPTY and other faults of an id, SUBJECT_SPELLING, AGE_VALUE,
 *   GENDER_VALUE, RACE_VALUE, GESTURE_VALUE, IMAGE_NAME, IMAGE_DUPLICATE, SUBJECT_TWO_SEXES; SOURCE_EMPTY if no row
 *   has an image
 */
export async function readHands11k(
  dir: string,
): Promise<{ samples: Sample[]; dropped: Readonly<Record<string, number>> }> {
  const { table, images } = handsFolders(dir);
  const present = await findImages(images);
  const samples: Sample[] = [];
  const seen: Seen = { images: new Set(), sexes: new Map(), keys: new SubjectKeys() };
  let absent = 0;
  for await (const { row, values } of readCsv(table, COLUMNS, { optional: OPTIONAL })) {
    const where = `${table}:${row}`;
    const known = checkRow(values, seen, where);
    const path = present.take(known.id, where);
    if (path === undefined) absent++;
    else samples.push({ ...known, path });
  }
  if (samples.length === 0) {
    throw new AppError(
      "data",
      "SOURCE_EMPTY",
      `Expected images of ${table} in ${images.join(" or ")}, got none`,
      {
        hint: await unpackHint(dir, "unpack the images into the folder Hands beside HandInfo.csv"),
      },
    );
  }
  const unlisted = present.left();
  return { samples, dropped: counted({ "image absent": absent, "image not in HandInfo.csv": unlisted }) };
}

function counted(reasons: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(reasons).filter(([, count]) => count > 0));
}

/** The first folder that holds images wins. */
async function findImages(folders: readonly string[]): Promise<ImageNames> {
  for (const folder of folders) {
    const names = await listImageNames(folder);
    if (names.length > 0) return new ImageNames(new Map(names.map((name) => [name, join(folder, name)])));
  }
  return new ImageNames(new Map());
}

/** What the rows before one stated. */
interface Seen {
  readonly images: Set<string>;
  readonly sexes: Map<string, { readonly sex: Sex; readonly where: string }>;
  readonly keys: SubjectKeys;
}

/** A row as a sample without its path. */
function checkRow(values: Values, seen: Seen, where: string): Omit<Sample, "path"> {
  const at = (column: keyof Values) => ({ name: `column ${column}`, got: values[column], where });
  const fail = (code: string, expected: string, column: keyof Values) =>
    unexpected("data", { code, expected, ...at(column) });
  const key = accept(hands11kKey(values.id), at("id"));
  const twice = seen.keys.add(key, where);
  if (twice !== undefined) throw faultError(twice, at("id"));
  if (!/^\d{1,3}$/.test(values.age) || Number(values.age) > 130)
    throw fail("AGE_VALUE", "whole years from 0 to 130", "age");
  const sex = parseSex(values.gender);
  if (sex === undefined) throw fail("GENDER_VALUE", "male or female", "gender");
  const race = accept(parseRace(values.skinColor, "hands11k"), at("skinColor"));
  const gesture = accept(parseGesture(values.aspectOfHand, "hands11k"), at("aspectOfHand"));
  const id = values.imageName.replace(/^Hands[\\/]/i, "");
  if (id === "" || /[\\/]/.test(id)) throw fail("IMAGE_NAME", "a file name without folders", "imageName");
  if (seen.images.has(id)) throw fail("IMAGE_DUPLICATE", "an image named once", "imageName");
  seen.images.add(id);
  const before = seen.sexes.get(key);
  if (before === undefined) seen.sexes.set(key, { sex, where });
  else if (before.sex !== sex)
    throw fail("SUBJECT_TWO_SEXES", `${before.sex} as at ${before.where}`, "gender");
  return {
    id,
    subject: `hands11k:${key}`,
    modality: "hand",
    sex,
    source: "hands11k",
    groups: { age: ageBucket(Number(values.age)), race, gesture },
  };
}

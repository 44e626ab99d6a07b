// FairFace (K. Karkkainen and J. Joo, 2021): `fairface_label_train.csv` and `fairface_label_val.csv`, images by path.
// Labels were given by annotators from pictures: nine age ranges, seven race groups, two genders.
// No identities are published: every image is its own subject. The split is the authors' own, train and val.
import { join } from "node:path";
import { AppError, unexpected } from "../../core/errors.ts";
import { accept, nearestWord } from "../../core/spelling.ts";
import { parseAge, parseRace, parseSex } from "../../core/vocabulary.ts";
import type { Sample, Split } from "../../core/words.ts";
import { readCsv } from "../../formats/csv.ts";
import { exists } from "../../machine/files.ts";
import { unpackHint } from "../../machine/sniff-file.ts";
import { ImageNames, listImageNames } from "../image-names.ts";
import { fairfaceFiles } from "../layout.ts";
import { AGE_BUCKET_NAMES } from "./groups.ts";

const COLUMNS = ["file", "age", "gender", "race"] as const;
const OPTIONAL = ["service_test"] as const;
type Values = Readonly<Record<(typeof COLUMNS)[number], string>>;

/** What FairFace writes for the last of its age ranges. */
const OLDEST = "more than 70";

export interface Fairface {
  readonly samples: Sample[];
  /** By sample id. */
  readonly split: ReadonlyMap<string, Split>;
  /** Rows whose image is absent, images without a row; empty if there are none. */
  readonly dropped: Readonly<Record<string, number>>;
}

/**
 * The faces of a FairFace folder, in the order of its tables; one of the two tables is enough.
 *
 * @param dir - folder with the tables; `train/` and `val/` lie beside them or in `fairface-img-margin025-trainval/`
 * @throws AppError("data", ...) with file and row: FAIRFACE_FILE, FAIRFACE_AGE, GENDER_VALUE, FIELD_EMPTY,
 *   IMAGE_DUPLICATE; SOURCE_MISSING without a table, SOURCE_EMPTY if no row has an image
 */
export async function readFairface(dir: string): Promise<Fairface> {
  const { root, tables, images } = fairfaceFiles(dir);
  const samples: Sample[] = [];
  const split = new Map<string, Split>();
  let absent = 0;
  let unlisted = 0;
  let found = false;
  for (const name of ["train", "val"] as const) {
    if (!(await exists(tables[name]))) continue;
    found = true;
    const present = await findImages(images, name);
    const listed = new Set<string>();
    for await (const { row, values } of readCsv(tables[name], COLUMNS, { optional: OPTIONAL })) {
      const sample = toSample(values, name, `${tables[name]}:${row}`, listed);
      const path = present.take(sample.id, `${tables[name]}:${row}`);
      if (path === undefined) absent++;
      else {
        samples.push({ ...sample, path });
        split.set(sample.id, name);
      }
    }
    unlisted += present.left();
  }
  if (!found) {
    throw new AppError("data", "SOURCE_MISSING", `Expected ${tables.train} or ${tables.val}, got neither`, {
      hint: await unpackHint(root, "give the folder that FairFace's two label files are in"),
    });
  }
  if (samples.length === 0) {
    throw new AppError(
      "data",
      "SOURCE_EMPTY",
      `Expected FairFace images in ${root}, got none that a table names`,
      {
        hint: await unpackHint(root, "unpack the images so that train/ and val/ lie beside the label files"),
      },
    );
  }
  const reasons = { "image absent": absent, "image not in a table": unlisted };
  return {
    samples,
    split,
    dropped: Object.fromEntries(Object.entries(reasons).filter(([, count]) => count > 0)),
  };
}

/** Paths of one split by what the table calls them, e.g. `train/1.jpg`; the first folder that has any wins. */
async function findImages(roots: readonly string[], split: "train" | "val"): Promise<ImageNames> {
  for (const root of roots) {
    const folder = join(root, split);
    const names = await listImageNames(folder);
    if (names.length > 0)
      return new ImageNames(new Map(names.map((name) => [`${split}/${name}`, join(folder, name)])));
  }
  return new ImageNames(new Map());
}

function toSample(
  values: Values,
  split: "train" | "val",
  where: string,
  listed: Set<string>,
): Omit<Sample, "path"> {
  const { age, gender, race } = values;
  const file = values.file.replaceAll("\\", "/");
  const refuse = (code: string, expected: string, column: keyof Values, hint?: string) =>
    unexpected("data", {
      code,
      expected,
      name: `column ${column}`,
      got: values[column],
      where,
      hint,
    });
  if (!new RegExp(`^${split}/[^/]+$`).test(file)) throw refuse("FAIRFACE_FILE", `${split}/NAME`, "file");
  if (listed.has(file)) throw refuse("IMAGE_DUPLICATE", "each image once", "file");
  listed.add(file);
  const sex = parseSex(gender);
  if (sex === undefined) throw refuse("GENDER_VALUE", "Male or Female", "gender");
  const bucket = age === OLDEST ? AGE_BUCKET_NAMES.at(-1)! : age;
  if (!AGE_BUCKET_NAMES.includes(bucket)) {
    const parsed = parseAge(age);
    const hint =
      "fault" in parsed ? parsed.fault.hint : `the nearest is ${nearestWord(age, AGE_BUCKET_NAMES)}`;
    const expected = `${AGE_BUCKET_NAMES.slice(0, -1).join(", ")} or ${OLDEST}`;
    throw refuse("FAIRFACE_AGE", expected, "age", hint);
  }
  if (race === "") throw refuse("FIELD_EMPTY", "a value", "race");
  return {
    id: file,
    subject: `fairface:${file}`,
    modality: "face",
    sex,
    source: "fairface",
    groups: {
      age: bucket,
      race: accept(parseRace(race, "fairface"), { name: "column race", got: race, where }),
      gesture: "",
    },
  };
}

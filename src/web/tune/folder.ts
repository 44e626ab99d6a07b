// ◇ Browser-safe. One's own labelled pictures: a folder that is chosen, with a table of labels. Its files are read, and go nowhere.
// Source: csv-parse's build for browsers. Invariants: words are read as those of pairs are; a row without its picture is refused; where
// people are not recorded, each picture is a person of its own, and the page says so.
import { signal } from "@preact/signals";
import { parse } from "csv-parse/browser/esm/sync";
import { AppError, unexpected } from "../../core/errors.ts";
import type { Reading } from "../../core/spelling.ts";
import { subjectKey } from "../../core/subject.ts";
import { parseAge, parseGesture, parseRace, parseSex } from "../../core/vocabulary.ts";
import { MODALITIES, type Sample, type Split } from "../../core/words.ts";
import { type Labelled, validationNow } from "./form.ts";
import { deal } from "./samples.ts";

/** The table's name. */
export const LABELS = "labels.csv";
const KIND = "folder";
const TRAINED: readonly string[] = ["train", "val"];

/** A folder that was chosen. */
export interface Folder extends Labelled {
  readonly images: number;
  /** False where nobody is recorded. */
  readonly hasSubjects: boolean;
}

/** The folder that was chosen last. */
export const folder = signal<Folder | undefined>(undefined);

/**
 * Opens a folder.
 *
 * @param files - all of its files, with their paths
 * @throws AppError("input", "LABELS_MISSING"), AppError("data", "LABELS_COLUMN" | "LABELS_CELL" | "LABELS_PICTURE")
 */
export async function openFolder(files: readonly File[]): Promise<Folder> {
  const place = files[0]?.webkitRelativePath.split("/")[0] ?? "";
  const byPath = new Map(files.map((one) => [one.webkitRelativePath.slice(place.length + 1), one]));
  const table = byPath.get(LABELS);
  if (table === undefined)
    throw new AppError(
      "input",
      "LABELS_MISSING",
      `Expected ${LABELS} in the folder, got ${files.length} other files`,
      {
        hint: "write one row for each picture: file,gender,modality and, where known, subject,age,race,gesture,split",
      },
    );
  const text = await table.text();
  const rows = parse(text, { columns: true, bom: true, skip_empty_lines: true }) as Row[];
  for (const column of ["file", "gender", "modality"])
    if (rows[0] !== undefined && rows[0][column] === undefined)
      throw new AppError("data", "LABELS_COLUMN", `Expected the column ${column} in ${LABELS}, got none`);
  const samples = rows.map((row, i) => sampleOf(row, i + 2, byPath));
  const hasSplit = rows[0]?.["split"] !== undefined;
  const split = new Map(samples.map(({ id }, i) => [id, splitOf(rows[i]!, i + 2)]));
  const used = hasSplit ? samples.filter(({ id }) => TRAINED.includes(split.get(id)!)) : samples;
  const states = files.map((one) => [one.webkitRelativePath, one.size, one.lastModified]);
  return {
    ...{ place, kind: KIND, hasSplit, images: samples.length },
    hasSubjects: rows[0]?.["subject"] !== undefined,
    key: JSON.stringify([text, states]),
    deal: async () => deal(KIND, used, split, validationNow({ hasSplit })),
    picture: (path) => byPath.get(path)!,
  };
}

type Row = Readonly<Record<string, string>>;

function sampleOf(row: Row, line: number, files: ReadonlyMap<string, File>): Sample {
  const { file = "", gender = "", modality: kind = "" } = row;
  const cell = (name: string, read: (text: string) => Reading): string => {
    const text = row[name] ?? "";
    if (text === "") return "";
    const reading = read(text);
    if ("value" in reading) return reading.value;
    throw badCell(name, reading.fault.expected, text, line);
  };
  const sex = parseSex(gender);
  if (sex === undefined) throw badCell("gender", "male or female", gender, line);
  const modality = MODALITIES.find((one) => one === kind.toLowerCase());
  if (modality === undefined) throw badCell("modality", "hand or face", kind, line);
  if (!files.has(file))
    throw unexpected("data", {
      ...{ code: "LABELS_PICTURE", expected: "a picture of the folder", name: "file", got: file },
      where: `${LABELS}:${line}`,
      hint: "write paths below the folder, with / between their parts",
    });
  // Where people are recorded at all, a row without its person is refused: it would be a person of its own.
  if (row["subject"] === "") throw badCell("subject", "the person's id, as in other rows,", "", line);
  const subject = cell("subject", subjectKey);
  return {
    ...{ id: file, modality, sex, path: file, source: KIND },
    subject: `${KIND}:${subject === "" ? file : subject}`,
    groups: {
      age: cell("age", parseAge),
      race: cell("race", (text) => parseRace(text, KIND)),
      gesture: cell("gesture", (text) => parseGesture(text, KIND)),
    },
  };
}

function splitOf({ split = "train" }: Row, line: number): Split {
  if (split === "train" || split === "val" || split === "test") return split;
  throw badCell("split", "train, val or test", split, line);
}

const badCell = (name: string, expected: string, got: string, line: number) =>
  unexpected("data", { code: "LABELS_CELL", expected, name, got, where: `${LABELS}:${line}` });

// A dataset with a drawn ledger of any size: rows that follow from a seed, judged by the rules themselves, and small crops for the first
// of them. For tests of the page, and for its benchmark.
// Invariants: the same options give the same bytes; nobody in it is real; a row without crops is one whose pictures are missing.
import { mkdir, writeFile } from "node:fs/promises";
import { Random } from "../src/core/random.ts";
import { COLUMNS } from "../src/core/words.ts";
import { imagePath, planLayout } from "../src/dataset/layout.ts";
import {
  LEDGER_COLUMNS,
  LEDGER_SCHEMA,
  type LedgerColumn,
  MEASURES,
  type Measure,
} from "../src/dataset/ledger-columns.ts";
import { MANIFEST_FORMAT, type Manifest } from "../src/dataset/manifest.ts";
import { type Facts, ruleSettings } from "../src/derive/judge/clean.ts";
import { judgeAll } from "../src/derive/judge/judge.ts";
import type { LedgerRow } from "../src/derive/tables/ledger.ts";
import { openCsv } from "../src/formats/csv.ts";
import { openParquet } from "../src/formats/parquet/write.ts";
import { writeJson } from "../src/machine/files.ts";
import { encodeJpeg } from "../src/pixels/image.ts";

/** What is drawn. */
export interface DrawnLedger {
  readonly rows: number;
  /** Rows that have crops, from the first on; default: all. */
  readonly pictures?: number | undefined;
  /** Side of a crop, px. */
  readonly sizePx?: number | undefined;
  /** The ledger as CSV alone, as other programs may write it; default: as Parquet alone. */
  readonly asCsv?: boolean | undefined;
}

/** Gestures of the rows, in turn. */
export const GESTURES = [
  "call",
  "fist",
  "four",
  "like",
  "ok",
  "one",
  "palm",
  "peace",
  "rock",
  "stop",
  "three",
];
const RACES = [
  "White",
  "Black",
  "Latino_Hispanic",
  "East Asian",
  "Southeast Asian",
  "Indian",
  "Middle Eastern",
];
const AGES = ["10-19", "20-29", "30-39", "40-49", "50-59", "60-69", "70+"];
/** Tables of pairs are for people up to here: the page reads the ledger. */
const CSV_ROWS = 100_000;
/** Frames of a subject, on average. */
const FRAMES = 15;
const SETTINGS = ruleSettings();

/** Middle and spread of each measure; values are drawn about evenly between their ends. */
const SPREAD: Readonly<Record<Measure, readonly [low: number, high: number]>> = {
  face_px: [24, 400],
  owner_fit: [0, 5.2],
  owner_lead: [1.4, 9],
  landmark_fit: [0.29, 1],
  landmark_off: [0, 0.26],
  hand_presence: [0.5, 1],
  hand_turn: [-180, 180],
  hand_inside: [0.49, 1],
  face_inside: [0.69, 1],
  hidden: [0, 0.256],
  face_sharpness: [4.5, 900],
  hand_sharpness: [4.5, 900],
  highlight: [88, 255],
  clipped: [0, 0.152],
  ita: [-60, 70],
  hand_ita: [-50, 80],
};

/**
 * Writes the dataset.
 *
 * @param dir - made here
 * @returns frames, how many of them are kept, and their ids in the ledger's order
 */
export async function writeDrawnLedger(
  dir: string,
  { rows, pictures = rows, sizePx = 48, asCsv = false }: DrawnLedger,
): Promise<{ readonly frames: number; readonly kept: number; readonly ids: readonly string[] }> {
  const layout = planLayout(dir);
  await mkdir(layout.images.hand, { recursive: true });
  await mkdir(layout.images.face, { recursive: true });
  const random = Random.of(1).split("drawn ledger");
  const ledger = asCsv
    ? await openCsvLedger(layout.ledger)
    : await openParquet(layout.ledgerParquet, LEDGER_SCHEMA);
  const tables = {
    train: await openCsv(layout.csv.train, COLUMNS),
    val: await openCsv(layout.csv.val, COLUMNS),
    test: await openCsv(layout.csv.test, COLUMNS),
  };
  const people = Math.max(1, Math.ceil(rows / FRAMES));
  let kept = 0;
  const ids: string[] = [];
  for (let i = 0; i < rows; i++) {
    const row = drawRow(i, people, random);
    ids.push(row.image_id);
    await ledger.add(row);
    if (i < pictures && row.face_sharpness !== null) await writeCrops(layout, row.image_id, i, sizePx);
    if (row.status !== "kept") continue;
    kept++;
    if (rows <= CSV_ROWS) await tables[row.split as "train"].add(pairOf(row));
  }
  await ledger.close();
  for (const table of Object.values(tables)) await table.close();
  await writeJson(layout.manifest, manifestOf(rows, kept));
  return { frames: rows, kept, ids };
}

async function openCsvLedger(path: string) {
  const table = await openCsv(path, LEDGER_COLUMNS);
  return {
    add: (row: LedgerRow) =>
      table.add(
        Object.fromEntries(LEDGER_COLUMNS.map((name) => [name, row[name] ?? ""])) as Record<
          LedgerColumn,
          string | number
        >,
      ),
    close: () => table.close(),
  };
}

/** One frame, judged as derivation would. */
function drawRow(i: number, people: number, random: Random): LedgerRow {
  const hex = (digits: number) => Array.from({ length: digits }, () => random.int(16).toString(16)).join("");
  const id = `${hex(8)}-${hex(4)}-4${hex(3)}-a${hex(3)}-${hex(12)}`;
  const person = random.int(people);
  const agreement = person % 23 === 0 ? 0.75 : 1;
  const measures = Object.fromEntries(
    MEASURES.map((name) => {
      const [low, high] = SPREAD[name];
      if (name === "hand_ita") return [name, high]; // not drawn: draws of the others stay what they are
      return [name, Number((low + (high - low) * random.next()).toFixed(4))];
    }),
  ) as Record<Measure, number>;
  const face_score = Number((0.59 + 0.41 * random.next()).toFixed(4));
  const missing = i % 97 === 96;
  const facts: Facts = {
    ...(missing ? {} : { ...measures, face_score }),
    gender_entries: 1,
    gender_agreement: agreement,
  };
  const made = missing ? ({ reason: "no_face", detail: "" } as const) : undefined;
  const verdict = judgeAll(facts, SETTINGS, made);
  const isKept = verdict === undefined;
  const none = Object.fromEntries(
    Object.keys(LEDGER_SCHEMA).map((name) => [name, null]),
  ) as unknown as LedgerRow;
  return {
    ...none,
    image_id: id,
    gesture: GESTURES[i % GESTURES.length]!,
    source_split: "train",
    user_id: `${person.toString(16).padStart(8, "0")}`.padEnd(64, "0"),
    status: isKept ? "kept" : "removed",
    reason: verdict?.reason ?? null,
    detail: verdict?.detail ?? null,
    split: isKept ? ["train", "train", "train", "val", "test"][person % 5]! : null,
    gender: isKept ? (person % 2 === 0 ? "female" : "male") : null,
    recorded_gender: person % 2 === 0 ? "female" : "male",
    gender_agreement: agreement,
    gender_votes: 4,
    gender_entries: 1,
    age: person % 41 === 0 ? null : AGES[Math.floor(person / 7) % AGES.length]!,
    race: RACES[person % RACES.length]!,
    width: 1080,
    height: 1920,
    faces: 1,
    ...(missing ? {} : { ...measures, face_score, look: `${random.int(8)}${hex(63)}` }),
    face_box: missing ? null : "300.5 200 250.25 330",
    hand_box: "600 700.75 240 260",
    face_square: missing ? null : "425.6 365 360 2.5",
    face_points: missing ? null : "375.5 330 475.2 331 425.1 400.3",
    hand_square: missing ? null : "720 830.5 420 -12.25",
    hand_from: missing ? null : i % 5 === 0 ? "model" : "annotation",
    sha256: hex(64),
  };
}

const pairOf = ({ image_id: id, user_id, age, gender, race, gesture }: LedgerRow) => ({
  id,
  user_id,
  age: age ?? "",
  gender: gender === "male" ? "Male" : "Female",
  race: race ?? "",
  labels: gesture,
  hand_image_name: `H_${id}.jpg`,
  face_image_name: `F_${id}.jpg`,
});

/** A hand is a bar, a face a disc, in a colour of their row: nothing else is to be seen in them. */
async function writeCrops(layout: ReturnType<typeof planLayout>, id: string, i: number, sizePx: number) {
  const colour = [(37 * i) % 256, (101 * i) % 256, (173 * i) % 256] as const;
  for (const modality of ["hand", "face"] as const) {
    const data = new Uint8Array(sizePx * sizePx * 3).fill(230);
    for (let y = 0; y < sizePx; y++)
      for (let x = 0; x < sizePx; x++) {
        const [u, v] = [x / sizePx - 0.5, y / sizePx - 0.5];
        if (modality === "hand" ? Math.abs(u) < 0.2 : u * u + v * v < 0.16)
          data.set(colour, 3 * (y * sizePx + x));
      }
    const name = `${modality === "face" ? "F" : "H"}_${id}.jpg`;
    await writeFile(
      imagePath(layout, modality, name),
      await encodeJpeg({ data, width: sizePx, height: sizePx }),
    );
  }
}

function manifestOf(frames: number, kept: number): Manifest {
  const zeros = "0".repeat(64);
  const bySplit = { train: 0, val: 0, test: 0 };
  return {
    format: MANIFEST_FORMAT,
    drawn: true,
    licence: "drawn for tests",
    recipe: {
      version: 1,
      detector: { name: "annotated/1", sha256: "", inputPx: 0 },
      face: { template: "dlib-5", padding: 0.25, filter: "bilinear" },
      hand: { crop: "box-square", margin: 0.1, filter: "bilinear" },
      outside: "black",
      sizePx: 48,
      jpeg: { quality: 90, chroma: "4:2:0" },
    },
    recipeHash: zeros,
    rules: { ...SETTINGS },
    labels: { ageEdges: [0] },
    selection: {
      gestures: [...GESTURES],
      seed: 1,
      splits: "balanced",
      fractions: { train: 0.6, val: 0.2, test: 0.2 },
    },
    source: { annotations: {} },
    derivationHash: zeros,
    counts: {
      frames,
      kept,
      removed: {},
      restored: {},
      hands: {},
      decisions: { inFile: 0, frames: 0 },
      pairs: bySplit,
      subjects: bySplit,
    },
    balance: [],
    files: {},
  };
}

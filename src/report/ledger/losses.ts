// Who is lost on the way from frames to pairs: rates of failure to acquire and of removal by recorded group and by measured skin
// tone. Source: ISO/IEC 19795-10:2024 (failure to acquire beside error rates, by group, with n and intervals); the tone's classes are those
// of derive/judge/skin. Invariants: every frame of the ledger is in one row of each table, those without a face and those of which
// nothing is known too; intervals are over subjects; a rate that rests on too few is not shown.
import { compareGroupValues } from "../../core/group-order.ts";
import { LEDGER_COLUMNS, type LedgerColumn } from "../../dataset/ledger-columns.ts";
import { SKIN_TONES, skinTone } from "../../derive/judge/skin.ts";
import { drawSubjects } from "../../evaluate/intervals/bootstrap.ts";
import { type Interval, LEVEL, REPLICATES, wilson } from "../../evaluate/intervals/intervals.ts";
import { percentileInterval } from "../../evaluate/intervals/subject-intervals.ts";
import { SMALL_SUBJECTS } from "../../evaluate/metrics/small.ts";
import { readCsv } from "../../formats/csv.ts";

/** One rate of a group: frames, out of how many, and the interval of their share. */
export interface GroupRate {
  readonly of: number;
  readonly frames: number;
  /** Null where it rests on too few subjects. */
  readonly interval: Pick<Interval, "estimate" | "low" | "high"> | null;
}

/** The frames of one group. */
export interface GroupLosses {
  /** Empty: not known. */
  readonly value: string;
  readonly subjects: number;
  readonly frames: number;
  /** No crop of a hand, or none of a face, could be made; of frames that are there, each once. */
  readonly acquire: GroupRate;
  /** Removed for any reason, failures to acquire included. */
  readonly removal: GroupRate;
}

/** The groups of one field. */
export interface LossTable {
  readonly by: (typeof FIELDS)[number]["by"];
  readonly groups: readonly GroupLosses[];
}

/** All tables, and all frames together. */
export interface Losses {
  readonly all: GroupLosses;
  readonly tables: readonly LossTable[];
  readonly minSubjects: number;
}

type Row = Readonly<Partial<Record<LedgerColumn, string>>>;

const toneOf = (angle: string | undefined) =>
  angle === undefined || angle === "" ? "" : skinTone(Number(angle));

/** What frames are grouped by, each with its value in a row; a subject's gender where ledgers of earlier versions lack a frame's. */
const FIELDS = [
  { by: "recorded gender", of: (row: Row, gender: string) => row.recorded_gender || row.gender || gender },
  { by: "recorded age", of: (row: Row) => row.age ?? "" },
  { by: "recorded race", of: (row: Row) => row.race ?? "" },
  {
    by: "skin tone, measured: of the face, of the hand where there is none",
    of: (row: Row) => toneOf(row.ita) || toneOf(row.hand_ita),
  },
  { by: "skin tone, measured: of the hand", of: (row: Row) => toneOf(row.hand_ita) },
] as const;

/** Reasons of rows that are no attempt: there is no picture, or its id was there before. */
const NO_ATTEMPT = ["image_missing", "duplicate_image"];

/** Counts of one subject in one group. */
interface Counts {
  frames: number;
  attempts: number;
  failed: number;
  removed: number;
}

/**
 * Rates of a ledger.
 *
 * @param path - ledger.csv, of this version or an earlier one
 * @param options - `minSubjects`: a rate that rests on fewer is not shown; default 20
 * @throws AppError("data", ...) as `readCsv`
 * @example (await ledgerLosses("pairs/ledger.csv")).tables[0].groups[0].acquire.interval?.estimate
 */
export async function ledgerLosses(
  path: string,
  { minSubjects = SMALL_SUBJECTS }: { readonly minSubjects?: number | undefined } = {},
): Promise<Losses> {
  const genders = await gendersOf(path);
  const tables = FIELDS.map(() => new Map<string, Map<string, Counts>>());
  const all = new Map<string, Counts>();
  for await (const row of rowsOf(path)) {
    const user = row.user_id ?? "";
    count(all, user, row);
    for (const [k, { of }] of FIELDS.entries()) {
      const value = of(row, genders.get(user) ?? "");
      const group = tables[k]!.get(value) ?? new Map<string, Counts>();
      tables[k]!.set(value, group);
      count(group, user, row);
    }
  }
  return {
    all: lossesOf("", all, 1), // the whole is shown, however small
    tables: FIELDS.map(({ by }, k) => ({
      by,
      groups: [...tables[k]!]
        .sort(([a], [b]) => compare(a, b))
        .map(([value, group]) => lossesOf(value, group, minSubjects)),
    })),
    minSubjects,
  };
}

const TONES: readonly string[] = SKIN_TONES.map(([name]) => name);

/** Tones from light to dark, others as everywhere; what is not known last. */
function compare(a: string, b: string): number {
  const [x, y] = [TONES.indexOf(a), TONES.indexOf(b)];
  return x >= 0 && y >= 0 ? x - y : compareGroupValues(a, b);
}

const options = { optional: LEDGER_COLUMNS, allowOthers: true } as const;

async function* rowsOf(path: string): AsyncGenerator<Row> {
  for await (const { values } of readCsv(path, ["user_id", "status"], options)) yield values;
}

/** Of subjects that have a pair, what is recorded of it. */
async function gendersOf(path: string): Promise<ReadonlyMap<string, string>> {
  const genders = new Map<string, string>();
  for await (const { user_id: user, gender } of rowsOf(path)) if (user && gender) genders.set(user, gender);
  return genders;
}

function count(group: Map<string, Counts>, user: string, row: Row): void {
  const counts = group.get(user) ?? { frames: 0, attempts: 0, failed: 0, removed: 0 };
  group.set(user, counts);
  counts.frames++;
  if (row.status !== "kept") counts.removed++;
  const made = row.hand_sharpness && row.face_sharpness;
  if (!made && NO_ATTEMPT.includes(row.reason ?? "")) return;
  counts.attempts++;
  if (!made) counts.failed++;
}

function lossesOf(value: string, group: ReadonlyMap<string, Counts>, minSubjects: number): GroupLosses {
  const all = [...group.values()];
  return {
    value,
    subjects: all.length,
    frames: all.reduce((sum, { frames }) => sum + frames, 0),
    acquire: rateOf(
      all.map(({ failed, attempts }) => [failed, attempts]),
      minSubjects,
    ),
    removal: rateOf(
      all.map(({ removed, frames }) => [removed, frames]),
      minSubjects,
    ),
  };
}

/** Frames of each subject that count, of how many. */
type Share = readonly [frames: number, of: number];

function rateOf(shares: readonly Share[], minSubjects: number): GroupRate {
  const tried = shares.filter(([, of]) => of > 0);
  const frames = tried.reduce((sum, [n]) => sum + n, 0);
  const of = tried.reduce((sum, [, n]) => sum + n, 0);
  return { frames, of, interval: tried.length < minSubjects ? null : intervalOf(tried, frames / of) };
}

/** Percentile bootstrap over subjects; Wilson's by subjects for a rate of 0 or 1, as everywhere. */
function intervalOf(shares: readonly Share[], estimate: number): GroupRate["interval"] {
  const n = shares.length;
  if (n === 0) return { estimate: null, low: null, high: null };
  if (estimate === 0 || estimate === 1) return { ...wilson(estimate * n, n), estimate };
  const draws = new Float64Array(n < 2 ? 0 : REPLICATES);
  if (n >= 2) {
    drawSubjects(n, { replicates: REPLICATES, seed: 0 }, (weights, draw) => {
      let [frames, of] = [0, 0];
      for (const [s, [hits, all]] of shares.entries()) {
        frames += weights[s]! * hits;
        of += weights[s]! * all;
      }
      draws[draw] = frames / of;
    });
  }
  return percentileInterval(estimate, draws, LEVEL);
}

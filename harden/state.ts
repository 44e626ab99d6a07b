// What was tried: a file of JSON lines, appended to, so that a run continues where one before it was stopped or killed.
// Invariants: a line counts for the code that it was tried on, known by a hash of the sources, and for no other; a line
// that a kill cut off is passed over, and its attempts are made again.
import { createHash } from "node:crypto";
import { appendFileSync, existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { writeAtomic } from "../src/machine/files.ts";

const NEW_LINE = 0x0a;
const ROOT = fileURLToPath(new URL("..", import.meta.url));

const runSchema = z.strictObject({
  /** Hash of the sources. */
  code: z.string(),
  commit: z.string().nullable(),
  /** True if files differ from the commit. */
  modified: z.boolean(),
  cpu: z.string(),
  /** The widest vectors of an x86 processor. */
  vectors: z.string().nullable(),
  cores: z.int(),
  memoryGb: z.number(),
  platform: z.string(),
  node: z.string(),
  /** When the run began, as ISO 8601. */
  at: z.string(),
});
/** Where and of what a run was. */
export type RunFacts = z.infer<typeof runSchema>;

const faultSchema = z.strictObject({ seed: z.int().nullable(), text: z.string() });
/** A fault; of no seed if the campaign could not be opened. */
export type Fault = z.infer<typeof faultSchema>;

const triedSchema = z.strictObject({
  campaign: z.string(),
  code: z.string(),
  /** Seeds that were tried, from and to. */
  seeds: z.array(z.tuple([z.int(), z.int()])),
  tried: z.int(),
  peakMb: z.number().nullable(),
  /** Time of one core or more, from an attempt's begin to its end. */
  ms: z.number(),
  faults: z.array(faultSchema),
});
type TriedLine = z.infer<typeof triedSchema>;

const lineSchema = z.union([z.strictObject({ run: runSchema }), triedSchema]);

/** What is known of one campaign. */
export interface Tally {
  /** Seeds that were tried on this code. */
  readonly seeds: Set<number>;
  tried: number;
  peakMb: number | null;
  ms: number;
  readonly faults: Fault[];
  /** Seeds that showed a fault of other code, and were not tried on this one. */
  readonly suspects: Set<number>;
}

/** All that a state file has of one code. */
export interface State {
  /** Of the newest run. */
  readonly run: RunFacts | undefined;
  tally(campaign: string): Tally;
}

/** An empty tally. */
function noTally(): Tally {
  return { seeds: new Set(), tried: 0, peakMb: null, ms: 0, faults: [], suspects: new Set() };
}

/**
 * Reads a state file; one that is not there is empty.
 *
 * @param code - whose attempts count; that of the newest run if left out
 */
export function readState(path: string, code?: string): State {
  const lines = existsSync(path) ? readFileSync(path, "utf8").split("\n").flatMap(parseLine) : [];
  const runs = lines.flatMap((line) => ("run" in line ? [line.run] : []));
  const asked = code ?? runs.at(-1)?.code;
  const tallies = new Map<string, Tally>();
  const tally = (campaign: string) => {
    const known = tallies.get(campaign) ?? noTally();
    tallies.set(campaign, known);
    return known;
  };
  for (const line of lines) if (!("run" in line)) add(tally(line.campaign), line, line.code === asked);
  for (const { seeds, suspects } of tallies.values()) for (const seed of seeds) suspects.delete(seed);
  return { run: runs.filter((run) => run.code === asked).at(-1), tally };
}

function add(tally: Tally, line: TriedLine, counts: boolean): void {
  if (!counts) {
    for (const { seed } of line.faults) if (seed !== null) tally.suspects.add(seed);
    return;
  }
  for (const [from, to] of line.seeds) for (let seed = from; seed <= to; seed++) tally.seeds.add(seed);
  tally.tried += line.tried;
  tally.ms += line.ms;
  tally.peakMb = most(tally.peakMb, line.peakMb);
  tally.faults.push(...line.faults);
}

/** The greater one, where none is known too. */
export function most(a: number | null, b: number | null): number | null {
  return a === null || b === null ? (a ?? b) : Math.max(a, b);
}

function parseLine(text: string): z.infer<typeof lineSchema>[] {
  try {
    const { data } = lineSchema.safeParse(JSON.parse(text));
    return data === undefined ? [] : [data];
  } catch {
    return []; // cut off by a kill
  }
}

/**
 * What appends lines to a state file; begins a line of its own behind one that a kill cut off.
 *
 * A line that a reader would pass over is an error here.
 */
export function openState(path: string): (line: { readonly run: RunFacts } | TriedLine) => void {
  const isWhole = !existsSync(path) || statSync(path).size === 0 || readFileSync(path).at(-1) === NEW_LINE;
  if (!isWhole) appendFileSync(path, "\n");
  return (line) => appendFileSync(path, `${JSON.stringify(lineSchema.parse(line))}\n`);
}

/** Takes what these campaigns tried of this code out of the file. */
export async function forget(path: string, code: string, campaigns: readonly string[]): Promise<void> {
  if (!existsSync(path)) return;
  const stays = (text: string) => {
    const [line] = parseLine(text);
    if (line === undefined) return false;
    return "run" in line || line.code !== code || !campaigns.includes(line.campaign);
  };
  const lines = readFileSync(path, "utf8").split("\n").filter(stays);
  await writeAtomic(path, lines.map((line) => `${line}\n`).join(""));
}

/** Sorted seeds as ranges. */
export function rangesOf(seeds: Iterable<number>): [number, number][] {
  const ranges: [number, number][] = [];
  for (const seed of [...seeds].sort((a, b) => a - b)) {
    const last = ranges.at(-1);
    if (last !== undefined && seed <= last[1] + 1) last[1] = Math.max(last[1], seed);
    else ranges.push([seed, seed]);
  }
  return ranges;
}

/** What an attempt's outcome follows from beside its seed, as one hash. */
export function codeHash(): string {
  const hash = createHash("sha256");
  const names = ["src", "harden", "bin", "protocols"].flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" }).map((name) => join(folder, name)),
  );
  const files = [...names.sort(), "package-lock.json"].filter((name) => !name.endsWith(".test.ts"));
  for (const name of files) {
    if (!statSync(join(ROOT, name)).isFile()) continue;
    const bytes = readFileSync(join(ROOT, name));
    hash.update(`${name}\0${bytes.length}\0`).update(bytes);
  }
  return hash.digest("hex").slice(0, 16);
}

// What was tried, as a table: for the terminal, and for docs/hardening.md between its two markers.
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { aligned } from "../bench/table.ts";
import { missingFile, unexpected } from "../src/core/errors.ts";
import type { Campaign } from "./campaign.ts";
import { type RunFacts, readState, type Tally } from "./state.ts";

const DOCUMENT = fileURLToPath(new URL("../docs/hardening.md", import.meta.url));
const BEGIN = "<!-- table: npm run harden -- --table -->";
const END = "<!-- /table -->";
/** Faults that are listed; the state file has all. */
const LISTED = 50;

/** One campaign and what was tried of it. */
export interface Row extends Tally {
  readonly campaign: Campaign;
  /** Why it was not run here. */
  readonly skipped?: string | undefined;
}

/** The command that repeats a fault. */
export function repeatCommand(campaign: string, seed: number | null): string {
  return `npm run harden -- --only ${campaign}${seed === null ? "" : ` --seed ${seed}`}`;
}

const HEAD = ["kind", "tried", "goal", "faults", "peak, MB", "core minutes"];

function cells({ campaign, tried, faults, peakMb, ms, skipped }: Row): string[] {
  const count = (n: number) => n.toLocaleString("en-US");
  if (skipped !== undefined && tried === 0)
    return [campaign.title, `skipped: ${skipped}`, count(campaign.goal), "", "", ""];
  const peak = peakMb === null ? "" : count(Math.round(peakMb));
  return [
    campaign.title,
    count(tried),
    count(campaign.goal),
    count(faults.length),
    peak,
    (ms / 60_000).toFixed(1),
  ];
}

/** The table, and each fault with the command that repeats it. */
export function summaryText(rows: readonly Row[]): string {
  const faults = rows.flatMap(({ campaign, faults: own }) =>
    own.map(({ seed, text }) => `${text.split("\n")[0]}\n  ${repeatCommand(campaign.name, seed)}`),
  );
  const more = faults.length > LISTED ? [`and ${faults.length - LISTED} more in the state file`] : [];
  return ["", aligned([HEAD, ...rows.map(cells)]), "", ...faults.slice(0, LISTED), ...more, total(rows)].join(
    "\n",
  );
}

function total(rows: readonly Row[]): string {
  const tried = rows.reduce((sum, row) => sum + row.tried, 0);
  const faults = rows.reduce((sum, row) => sum + row.faults.length, 0);
  return `${faults.toLocaleString("en-US")} faults in ${tried.toLocaleString("en-US")} tried`;
}

function heading({ commit, modified, cpu, cores, memoryGb, node, at }: RunFacts): string {
  const code = `${commit?.slice(0, 7) ?? "no commit"}${modified ? " with changes" : ""}`;
  return `Commit ${code}, ${at.slice(0, 10)}, ${cpu}, ${cores} cores, ${memoryGb} GB, Node ${node}:`;
}

/**
 * Rewrites the table of docs/hardening.md from what was tried of the code of the newest run.
 *
 * @throws AppError("data", "FILE_MISSING") if nothing was, ("data", "HARDEN_DOCUMENT") without the markers
 */
export function writeTable(state: string, campaigns: readonly Campaign[], document = DOCUMENT): void {
  const { run, tally } = readState(state);
  if (run === undefined) {
    const hint = "npm run harden -- --minutes 60";
    throw missingFile(state, "what was tried", hint);
  }
  const rows = campaigns.map((campaign): Row => ({ campaign, ...tally(campaign.name) }));
  const text = readFileSync(document, "utf8");
  const [begin, end] = [text.indexOf(BEGIN), text.indexOf(END)];
  if (begin === -1 || end < begin) {
    const e = { code: "HARDEN_DOCUMENT", expected: `${BEGIN} and ${END}`, name: "its table" };
    throw unexpected("data", { ...e, got: undefined, where: document });
  }
  const body = `${heading(run)}\n\n${aligned([HEAD, ...rows.map(cells)])}\n\n${total(rows)}.`;
  writeFileSync(document, `${text.slice(0, begin + BEGIN.length)}\n\n${body}\n\n${text.slice(end)}`);
}

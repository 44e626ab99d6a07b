// ◇ Browser-safe. The age target in years as tables: for the terminal, cards and pages.
// Invariant: the convention by which buckets are years stands below every one of them.
import { type AgeFigure, type AgeGroup, type AgeTable, CHALLENGE } from "../evaluate/analysis/ages.ts";
import { withinId, withinWords } from "../evaluate/analysis/strata.ts";
import { alignTable } from "./figure-text.ts";
import { count, intervalCell, type ReportTable, rate, type TableCell, tooSmall, words } from "./table.ts";

const { legalYears, challengeYears } = CHALLENGE;

/** How buckets are years, and what the false positives are. */
export const AGE_NOTES = [
  "MAE: mean absolute error in years. A bucket stands for its middle (20-29: 25), an open one is as wide as the one before it (70+: 75); an estimate is the mean of the middles by the probabilities of the classes.",
  `FPR: false positive rate of Challenge ${challengeYears} (NIST's FATE): of the images recorded as under ${legalYears}, the share estimated at ${challengeYears} or more. Buckets with years on both sides of ${legalYears} are left out.`,
  "Ages are apparent, recorded by machines or annotators; these figures decide nothing about a person.",
] as const;

const HEADER = [
  ...["images", "subjects", "MAE, years"],
  ...[`under ${legalYears}: images`, "subjects", `Challenge ${challengeYears} FPR`],
] as const;

/**
 * Tables of ages in years.
 *
 * @param split - for titles; empty for none
 */
export function ageReportTables(tables: readonly AgeTable[], split = ""): ReportTable[] {
  return tables.map((table) => {
    const { key, within, all, groups, undecided } = table;
    const of = split === "" ? "" : `, split ${split}`;
    return {
      id: `card-age-years-${key}-${withinId(within)}`,
      title: `Years of apparent age by ${key}, ${withinWords(within)}${of}`,
      note:
        undecided === 0
          ? ""
          : `${undecided} images may be under ${legalYears} or not: in no false positive rate.`,
      header: [key, ...HEADER],
      rows: [rowOf("all", all), ...groups.map((group) => rowOf(group.value || "not recorded", group))],
    };
  });
}

function rowOf(name: string, { error, challenge }: AgeGroup) {
  const counts = ({ nImages, nSubjects }: AgeFigure) => [count(nImages), count(nSubjects)];
  return {
    cells: [words(name), ...counts(error), cellOf(error), ...counts(challenge), cellOf(challenge)],
    sources: [],
  };
}

function cellOf({ small, nImages, value, interval }: AgeFigure): TableCell {
  if (nImages === 0) return words("-");
  if (small) return tooSmall;
  return interval === null ? rate(value) : intervalCell(interval);
}

/** The tables as aligned text; nothing where there are none. */
export function formatAges(tables: readonly AgeTable[]): string {
  if (tables.length === 0) return "";
  const texts = ageReportTables(tables).map(({ title, note, header, rows }) =>
    [title, alignTable([header, ...rows.map(({ cells }) => cells.map(({ text }) => text))]), note]
      .filter((line) => line !== "")
      .join("\n"),
  );
  return [...texts, AGE_NOTES.join("\n")].join("\n\n");
}

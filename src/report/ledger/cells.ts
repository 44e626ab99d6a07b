// Rates of losses as cells of tables: the page of a derivation and the datasheet have the same.
import { count, FEW, figure, intervalText, TOO_SMALL } from "../figure-text.ts";
import type { GroupLosses, GroupRate, Losses } from "./losses.ts";

/** Head of such a table, but for its first column. */
export const LOSS_COLUMNS = ["subjects", "frames", "failure to acquire", "removed"] as const;

/** What stands with the tables. */
export const LOSS_NOTES = [
  "Failure to acquire (ISO/IEC 19795): no crop of a hand, or none of a face, could be made of a frame that is there; frames without a face " +
    "are in it. Removed: for any reason, those included. Both are shares of frames, with 95 % percentile bootstrap over subjects " +
    "(2,000 draws; Wilson by subjects for 0 and 1).",
  "Skin tone is measured in pixels (ITA): it follows light and camera, and a hand is not a face: its palm may be lighter, and it stands in " +
    "other light. Where there is no face, the hand's tone stands in its place, perhaps in another class; the table by hands alone has all frames " +
    "by one measure. Compare rates there before you trust a detector or a rule.",
] as const;

/** One row of a table. */
export function lossCells({ subjects, frames, acquire, removal }: GroupLosses, isSmall: boolean): string[] {
  return [`${count(subjects)}${isSmall ? FEW : ""}`, count(frames), rateText(acquire), rateText(removal)];
}

function rateText({ frames, of, interval }: GroupRate): string {
  if (interval === null) return TOO_SMALL;
  return `${figure(interval.estimate)} ${intervalText(interval)} (${count(frames)} of ${count(of)})`;
}

/** Title and rows of each table, all frames first. */
export function lossTables({ all, tables, minSubjects }: Losses): readonly {
  readonly title: string;
  readonly rows: readonly (readonly string[])[];
}[] {
  const row = (name: string, group: GroupLosses) => [name, ...lossCells(group, group.subjects < minSubjects)];
  return tables.map(({ by, groups }) => ({
    title: by,
    rows: [
      row("all", all),
      ...groups.map((group) => row(group.value === "" ? "not known" : group.value, group)),
    ],
  }));
}

/** What the sign behind few subjects means. */
export const fewNote = ({ minSubjects }: Losses): string =>
  `${FEW} under ${minSubjects} subjects; ${TOO_SMALL}: a rate of a group that rests on so few is not shown.`;

// The log that a verb is given, and what the first line of its output says of it.
import { thingOf } from "../../audit/annotation.ts";
import { readAnnotations } from "../../audit/log.ts";
import { type Standing, standing } from "../../audit/standing.ts";
import { count } from "../../report/figure-text.ts";

/** A log, with what its first line of output says of it. */
export interface OpenLog {
  readonly log: Standing;
  readonly unfinishedBytes: number;
  readonly heading: string;
}

/** Reads a log for a verb. */
export async function openLog(path: string): Promise<OpenLog> {
  const { lines, unfinishedBytes } = await readAnnotations(path);
  const log = standing(lines, path);
  const { judgements, annotators, reverted, replaced } = log;
  const things = new Set(judgements.map(thingOf)).size;
  const parts = [
    `${count(judgements.length)} judgements of ${count(things)} pairs and subjects by ${annotators.length} annotators`,
    ...(reverted > 0 ? [`${count(reverted)} taken back`] : []),
    ...(replaced > 0 ? [`${count(replaced)} judged again by the same person, of which the last counts`] : []),
    ...(unfinishedBytes > 0 ? [`a last line was cut off: ${count(unfinishedBytes)} bytes left out`] : []),
  ];
  return { log, unfinishedBytes, heading: `${parts.join("; ")}.` };
}

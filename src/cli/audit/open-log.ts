// The log that a verb is given, and the first line that the verb prints about it.
import { readAnnotations } from "../../audit/log.ts";
import { type Standing, standing } from "../../audit/standing.ts";
import { logText } from "../../report/audit.ts";

/** A log, with the first line printed about it. */
export interface OpenLog {
  readonly log: Standing;
  readonly unfinishedBytes: number;
  readonly heading: string;
}

/** Reads a log for a verb. */
export async function openLog(path: string): Promise<OpenLog> {
  const { lines, unfinishedBytes } = await readAnnotations(path);
  const log = standing(lines, path);
  return { log, unfinishedBytes, heading: logText(log, unfinishedBytes) };
}

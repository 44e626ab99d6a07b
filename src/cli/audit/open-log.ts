// The log that a verb is given, and what the first line of its output says of it.
import { readAnnotations } from "../../audit/log.ts";
import { type Standing, standing } from "../../audit/standing.ts";
import { logText } from "../../report/audit.ts";

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
  return { log, unfinishedBytes, heading: logText(log, unfinishedBytes) };
}

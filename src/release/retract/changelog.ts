// The changelog of a dataset, and the version that a retraction makes. Source of the form: Keep a Changelog; versions as Semantic
// Versioning has them: who takes people out changes every figure made with the dataset, and no interface: the minor number.
import { markdownText } from "../../core/markdown-text.ts";

/** What is published of a retraction: nothing that identifies anybody. */
export interface Retraction {
  readonly pairs: number;
  readonly frames: number;
  readonly reason?: string | undefined;
  /** Of the new version; without one the entry is headed "Unreleased". */
  readonly version?: string | undefined;
  readonly date?: string | undefined;
}

/** The version after a retraction. @example nextVersion("1.2.3") // "1.3.0" */
export function nextVersion(version: string): string {
  const [major = "0", minor = "0"] = version.split(".");
  return `${major}.${Number(minor) + 1}.0`;
}

const TITLE = "# Changelog";

/**
 * The changelog with an entry above the others.
 *
 * @param before - as it was, without the person; nothing if there was none
 */
export function withEntry(before: string | undefined, retraction: Retraction): string {
  const { pairs, frames, reason, version = "Unreleased", date } = retraction;
  const why = reason === undefined ? "" : ` Reason: ${markdownText(reason)}`;
  const entry = [
    `## ${version}${date === undefined ? "" : ` (${date})`}`,
    "",
    `- One subject was taken out, with ${pairs} pairs and ${frames} frames. Nobody else changed splits.${why}`,
    "",
  ];
  const [, rest = before ?? ""] = /^# [^\n]*\n\n?([\s\S]*)$/.exec(before ?? "") ?? [];
  return [TITLE, "", ...entry, rest].join("\n").replace(/\n+$/, "\n");
}

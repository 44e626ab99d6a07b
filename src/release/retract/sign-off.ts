// What a retraction leaves for people to do, to be signed by them: as JSON for programs and as Markdown for paper.
// Invariants: nothing in it identifies the person; no date and no machine: the same retraction gives the same bytes.
import { markdownText } from "../../core/markdown-text.ts";
import { LABEL_NOTE } from "../../report/figure-text.ts";
import { tableOf } from "../markdown.ts";
import type { Seen, Sighting } from "./seen.ts";

interface Version {
  /** Undefined if nothing can be trained on it as it is. */
  readonly manifestHash: string | undefined;
  readonly version?: string | undefined;
}

/** What was taken out, and what it was taken out of. */
export interface Facts {
  readonly madeBy: string;
  /** Hashes as training records them, and the version if it is known. */
  readonly before: Version;
  readonly after: Version;
  readonly taken: {
    readonly pairs: number;
    readonly frames: number;
    /** Of the frames, those under other ids that show the same photographs. */
    readonly alike: number;
    readonly splits: readonly string[];
  };
  readonly reason?: string | undefined;
  readonly searched: readonly string[];
}

/** What no program can take back, as facts. */
export const BEYOND = [
  "The version before, the judgements beside it, its bundles, exports, pages and copies of them still have the person: delete them, in backups too, once the new version is there.",
  "Copies that others fetched are theirs: publish the new version where the old one was, with its changelog, and ask those who fetched it.",
  "Models and features that saw the person were shaped by their images and cannot be cleaned: train them anew on the new version.",
  "A repository's history on a hub (Git, LFS) has the files of earlier commits until it is rewritten there; caches and archives of others may have them after that.",
  "Who compares the two versions finds who is missing: withdraw the old one from where it was published.",
  "HaGRID itself still has the photographs: a line `erase` in the decisions of `facehand derive` stops the next derivation from taking them up again.",
] as const;

/** Filled in by whoever signs. */
const BLANK = { who: "", when: "", note: "" } as const;

/** The list as JSON. */
export function signOffJson(facts: Facts, { certain, possible, files }: Seen) {
  const open = (all: readonly Sighting[]) => all.map((one) => ({ ...one, done: BLANK }));
  return {
    format: "facehand-retraction/1",
    note: LABEL_NOTE,
    ...facts,
    searchedFiles: files,
    saw: open(certain),
    mayHaveSeen: open(possible),
    cannotBeErasedHere: BEYOND,
    signed: BLANK,
  };
}

/** The list as Markdown. */
export function signOffText(facts: Facts, seen: Seen): string {
  const { taken, reason, before, after, searched, madeBy } = facts;
  const versions = [before, after].map(({ version, manifestHash }) =>
    [
      ...(version === undefined ? [] : [markdownText(version)]),
      manifestHash === undefined
        ? "not to be trained on as it is, so without a data hash"
        : `data hash ${manifestHash}`,
    ].join(", "),
  );
  const where =
    searched.length === 0
      ? ["No folder was searched for runs and models (`--runs`): nothing is known about them."]
      : [`Searched: ${searched.map(markdownText).join(", ")} (${seen.files} files).`];
  return [
    "# Retraction of one subject",
    "",
    `- Before: ${versions[0]}`,
    `- After: ${versions[1]}`,
    `- Taken out: ${taken.pairs} pairs and ${taken.frames} frames${taken.splits.length === 0 ? "" : ` (${taken.splits.join(", ")})`}, ${taken.alike} of them under other ids, which show the same photographs`,
    ...(reason === undefined ? [] : [`- Reason: ${markdownText(reason)}`]),
    `- Made by facehand ${madeBy}`,
    "",
    ...where,
    "",
    ...section("Saw the person", seen.certain),
    ...section("May have seen the person", seen.possible),
    "## Cannot be erased by this",
    "",
    ...BEYOND.map((text) => `- [ ] ${text}`),
    "",
    "## Signature",
    "",
    "All of the above is done, or the reason why not is noted beside it.",
    "",
    "- Name: ______________________________",
    "- Date: ______________________________",
    "- Signature: _________________________",
    "",
  ].join("\n");
}

function section(title: string, all: readonly Sighting[]): string[] {
  const rows = all.map(({ place, what, why, todo }) => [place, what, why, todo, "", ""]);
  const table = tableOf(["where", "what", "why", "to do", "done by", "on"], rows);
  return [`## ${title} (${all.length})`, "", ...(all.length === 0 ? ["None was found."] : table), ""];
}

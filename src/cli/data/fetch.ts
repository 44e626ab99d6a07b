// `facehand data fetch`: published datasets, checkpoints and HaGRID, or any link, onto this machine.

import { type Command, Option } from "commander";
import { unexpected } from "../../core/errors.ts";
import { visible } from "../../core/visible.ts";
import { HAGRID_GESTURES } from "../../core/vocabulary.ts";
import {
  BEST,
  type Best,
  FRAME_SIZES,
  type FrameSize,
  fetchCheckpoints,
  fetchDerivedHagrid,
  fetchHagrid,
  fetchHagridAnnotations,
  fetchLink,
  fetchMetrics,
} from "../../fetch/sets.ts";
import type { FetchOptions, FetchSummary } from "../../fetch/unit.ts";
import { startBytes } from "../bytes-progress.ts";
import { type Context, driveOption, jsonOption, list, verb, wholeNumber } from "../context.ts";

interface Flags {
  readonly out: string;
  readonly bestUmcc?: boolean | undefined;
  readonly bestMag?: boolean | undefined;
  readonly gestures?: readonly string[] | undefined;
  readonly images?: FrameSize | undefined;
  readonly mirror?: string | undefined;
  readonly name?: string | undefined;
  readonly sha256?: string | undefined;
  readonly jobs: number;
  readonly keepArchives?: boolean | undefined;
  readonly driveEndpoint?: string | undefined;
  readonly json?: boolean | undefined;
}

/** What is fetched by name; anything else is a link. */
const SETS = ["derived-hagrid", "checkpoints", "metrics", "hagrid-annotations", "hagrid"] as const;
type SetName = (typeof SETS)[number];

/** Which flags mean something for which sets. */
const ONLY_FOR: Readonly<Record<string, readonly (SetName | "link")[]>> = {
  bestUmcc: ["checkpoints"],
  bestMag: ["checkpoints"],
  gestures: ["hagrid"],
  images: ["hagrid"],
  mirror: SETS,
  name: ["link"],
  sha256: ["link"],
  keepArchives: ["derived-hagrid", "hagrid-annotations", "hagrid", "link"],
};

const SETS_HELP = `
Sets:
  derived-hagrid      UnifiedGenderNet's 15,064 pairs, unpacked (about 0.3 GB)
  checkpoints         UnifiedGenderNet's checkpoints; --best-umcc or --best-mag for one of them
  metrics             UnifiedGenderNet's table of metrics
  hagrid-annotations  HaGRIDv2's annotations with landmarks and meta
  hagrid              HaGRID's frames of the given gestures (about 40 GB each); with --images 512,
                      one archive of 119 GB

A link may be a folder on disk, an address that ends in /, a drive-folder, or a dataset of the
Hugging Face hub, hf:datasets/USER/NAME with @REVISION if one is meant (HF_TOKEN and HF_ENDPOINT
count), if it has a SHA256SUMS file, as a facehand bundle does. All files named in that file are
fetched and checked against it, and the archives of a bundle are unpacked into a dataset; its
Parquet shards repeat them and are not fetched. If a --mirror has a SHA256SUMS file, the files
named there are checked against it.

The same command continues what was interrupted. A partial file is continued if the server proves
by a strong ETag that its file has not changed, or if its SHA-256 is known; otherwise it is fetched
from the beginning. A connection that is silent for a minute, or brings less than 1,000 bytes a
second, is closed and tried again. The command fails after five attempts in a row that bring
nothing, or after a week. An address that contains a user name and password is refused.
fetched.json, in the same folder, records where each file came from; when the command runs again,
it checks all files against this record. The files belong to others and are under their licences.`;

/** `facehand data fetch`. */
export function fetchCommand(context: Context): Command {
  return verb("fetch", "fetch published datasets, checkpoints, HaGRID or a link; resumable, and verified")
    .argument(
      "<what>",
      `${SETS.join(", ")}; or an address, a folder, hf:datasets/USER/NAME, drive:ID or drive-folder:ID`,
    )
    .requiredOption("--out <dir>", "folder to fetch into; may contain what was fetched before")
    .option("--best-umcc", "checkpoints: only the best UMCC")
    .option("--best-mag", "checkpoints: only the best MAG")
    .option("--gestures <list>", "hagrid: gestures separated by commas, or all", list("--gestures"))
    .addOption(
      new Option("--images <size>", "hagrid: full size (default), or 512 px on the shorter side").choices(
        FRAME_SIZES,
      ),
    )
    .option(
      "--mirror <place>",
      "folder or address that has files of the same names, used instead of the publishers",
    )
    .option("--name <file>", "link: name to save the file under")
    .option("--sha256 <hex>", "link: the SHA-256 that the file must have", hash)
    .option("--jobs <n>", "files to fetch at a time", wholeNumber("--jobs", 1, 16), 3)
    .option("--keep-archives", "do not delete archives after they are unpacked")
    .addOption(driveOption())
    .addOption(jsonOption())
    .addHelpText("after", SETS_HELP)
    .action(async (what: string, flags: Flags) => {
      checkFlags(what, flags);
      const summary = await fetchWithProgress(context, what, flags);
      context.print(flags.json === true ? JSON.stringify(summary, null, 2) : formatFetch(what, summary));
    });
}

function hash(text: string): string {
  if (/^[0-9a-f]{64}$/i.test(text)) return text.toLowerCase();
  throw unexpected("input", { code: "FLAG", expected: "64 hex digits", name: "--sha256", got: text });
}

const setOf = (what: string): SetName | "link" => SETS.find((name) => name === what) ?? "link";

function checkFlags(what: string, flags: Flags): void {
  const set = setOf(what);
  for (const [key, sets] of Object.entries(ONLY_FOR)) {
    if (flags[key as keyof Flags] === undefined || sets.includes(set)) continue;
    const name = `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
    const expected = `it only with ${sets.map((each) => (each === "link" ? "a link" : each)).join(", ")}`;
    throw unexpected("input", { code: "FLAG", expected, name, got: what });
  }
  if (flags.bestUmcc === true && flags.bestMag === true) {
    const e = {
      code: "FLAG",
      expected: "one of them, or neither for all",
      name: "--best-umcc and --best-mag",
    };
    throw unexpected("input", { ...e, got: "both" });
  }
  if (set === "hagrid" && flags.gestures === undefined) {
    const hint = `--gestures ${HAGRID_GESTURES.slice(0, 3).join(",")} ..., or all; each is about 40 GB`;
    throw unexpected("input", {
      code: "FLAG",
      expected: "gestures",
      name: "--gestures",
      got: undefined,
      hint,
    });
  }
}

async function fetchWithProgress({ signal }: Context, what: string, flags: Flags): Promise<FetchSummary> {
  const { jobs, mirror, keepArchives, driveEndpoint } = flags;
  const line = startBytes(setOf(what) === "link" ? "fetch" : what);
  const options: FetchOptions = {
    ...{ signal, jobs, onProgress: line.onProgress, onStep: line.note },
    mirror,
    keepArchives,
    driveEndpoint,
  };
  try {
    return await fetchSet(what, flags, options);
  } finally {
    line.done();
  }
}

function fetchSet(what: string, flags: Flags, options: FetchOptions): Promise<FetchSummary> {
  const { out, gestures = [], images: size = "full", name, sha256 } = flags;
  switch (setOf(what)) {
    case "derived-hagrid":
      return fetchDerivedHagrid(out, options);
    case "checkpoints":
      return fetchCheckpoints(out, bestOf(flags), options);
    case "metrics":
      return fetchMetrics(out, options);
    case "hagrid-annotations":
      return fetchHagridAnnotations(out, options);
    case "hagrid":
      return fetchHagrid(out, gestures.includes("all") ? HAGRID_GESTURES : gestures, { ...options, size });
    case "link":
      return fetchLink(what, out, {
        ...options,
        name,
        sha256,
      });
  }
}

function bestOf({ bestUmcc, bestMag }: Flags): Best | "all" {
  if (bestUmcc === true) return BEST[0];
  return bestMag === true ? BEST[1] : "all";
}

/** What to do next with a set. */
const NEXT: Partial<Record<SetName, (out: string) => string>> = {
  "derived-hagrid": (out) => `facehand data show ${out}`,
  "hagrid-annotations": (out) => `facehand data fetch hagrid --gestures GESTURES --out ${out}`,
  hagrid: (out) => `facehand data fetch hagrid-annotations --out ${out}, if they are not there; then derive`,
};

function formatFetch(what: string, { dir, files, folders, repeated = [] }: FetchSummary): string {
  const state = (kept: boolean) => (kept ? "as it was fetched before" : "fetched");
  const set = setOf(what);
  const next = set === "link" ? undefined : NEXT[set]?.(dir);
  return [
    ...files.map(
      ({ name, sizeBytes, sha256, kept }) =>
        `${visible(name)}  ${mb(sizeBytes)}  SHA-256 ${sha256}  ${state(kept)}`,
    ),
    ...folders.map(({ name, files: count, bytes, leftOut, kept }) => {
      const rest = leftOut === 0 ? "" : `, ${leftOut} other entries left out`;
      return `${visible(name)}/  ${count.toLocaleString("en-US")} files, ${mb(bytes)}${rest}  ${state(kept)}`;
    }),
    ...(repeated.length === 0
      ? []
      : [`${repeated.length} Parquet shards are not fetched: they repeat the tables and the archive`]),
    `in ${dir}`,
    ...(next === undefined ? [] : [`next  ${next}`]),
  ].join("\n");
}

const mb = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`;

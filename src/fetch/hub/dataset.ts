// A dataset of the Hugging Face hub: the files of one commit, checked against the SHA256SUMS that was pushed with them.
// Invariant: files of two commits are never mixed: the commit is settled first, and one that a folder is of stays.
import { join } from "node:path";
import { AppError, missingFile, unexpected } from "../../core/errors.ts";
import { exists } from "../../machine/files.ts";
import { fetchPublished } from "../bundle.ts";
import { openRecord } from "../fetched.ts";
import { SUMS } from "../sums.ts";
import type { FetchOptions, FetchSummary } from "../unit.ts";
import { authorization, endpointOf, type HubAccess } from "./access.ts";
import { openHub } from "./library.ts";
import { type HubRepository, hubName, hubPath, isCommit, parseHubName } from "./repository.ts";

/** How to fetch from a hub. */
export interface HubFetchOptions
  extends Omit<FetchOptions, "mirror" | "mirrorHeaders" | "mirrorDenied">,
    Pick<HubAccess, "endpoint" | "token"> {}

/**
 * Fetches a dataset; without a revision, the last commit of its main branch.
 *
 * @param link - `hf:datasets/USER/NAME`, with `@REVISION` behind it if one is meant; a full hash of a commit asks nothing of the
 *   hub where all is there
 * @throws AppError("input", "HUB_NAME"), AppError("data", "FETCHED_OTHER") where the folder is of another commit; as openHub and
 *   fetchPublished
 * @example await fetchHubDataset("hf:datasets/me/pairs", "pairs")
 */
export async function fetchHubDataset(
  link: string,
  dir: string,
  options: HubFetchOptions = {},
): Promise<FetchSummary> {
  const repository = parseHubName(link, "dataset");
  const base = `${endpointOf(options)}${hubPath(repository)}/resolve/`;
  const commit = await commitOf(repository, options);
  await refuseOther(repository, dir, base, commit);
  const mirrorDenied = "set HF_TOKEN to a token of somebody who may read it; terms are accepted on its page";
  const mirror = { mirrorHeaders: authorization(options), mirrorDenied };
  return await fetchPublished(`${base}${commit}/`, dir, { ...options, ...mirror });
}

async function commitOf(repository: HubRepository, options: HubFetchOptions): Promise<string> {
  const { revision = "main" } = repository;
  if (isCommit(revision)) return revision;
  const { onStep } = options;
  const onWait = (ms: number, { message }: AppError) =>
    onStep?.(`waiting ${Math.ceil(ms / 1000)} s: ${message}`);
  const hub = await openHub(repository, { ...options, onWait, writes: false });
  const head = await hub.head(revision);
  if (head === undefined) {
    const e = { code: "REMOTE_NOT_FOUND", expected: `revision ${revision} of it on the hub`, got: "none" };
    const hint = "check the name; of a private one, HF_TOKEN of somebody who may see it";
    throw unexpected("remote", { ...e, name: hubName(repository), hint });
  }
  if ((await hub.files(head.commit)).has(SUMS)) return head.commit;
  const hint =
    "only datasets that facehand release push has written are fetched so; another program fetches the others";
  throw missingFile(SUMS, `the list of hashes of ${hubName(repository)}`, hint);
}

/** A folder that was fetched into before goes on with its commit, or is left. */
async function refuseOther(
  repository: HubRepository,
  dir: string,
  base: string,
  commit: string,
): Promise<void> {
  if (!(await exists(join(dir, SUMS)))) return;
  const from = (await openRecord(dir)).file(SUMS)?.from;
  if (from === undefined || from === `${base}${commit}/`) return;
  const name = hubName(repository);
  const earlier = from.startsWith(base) ? from.slice(base.length, -1) : undefined;
  const message = `Expected ${dir} to be of ${name} at commit ${commit}, got what was fetched from ${from}`;
  const same = earlier === undefined ? "" : `, or ask for the commit that is there: ${name}@${earlier}`;
  throw new AppError("data", "FETCHED_OTHER", message, { hint: `fetch into another folder${same}` });
}

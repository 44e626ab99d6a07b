// What the verbs share that push to the Hugging Face hub: their flags, progress and output.
import type { Command } from "commander";
import { unexpected } from "../core/errors.ts";
import { visible } from "../core/visible.ts";
import type { PushFile } from "../fetch/hub/plan.ts";
import { type Pushed, type PushOptions, push } from "../fetch/hub/push.ts";
import { type HubRepository, hubName, isRevision, parseHubName } from "../fetch/hub/repository.ts";
import { startBytes } from "./bytes-progress.ts";
import { type Context, jsonOption } from "./context.ts";

/** The flags of a push. */
export interface PushFlags {
  readonly branch: string;
  readonly message?: string | undefined;
  readonly private?: boolean | undefined;
  readonly replace?: boolean | undefined;
  readonly dryRun?: boolean | undefined;
  readonly json?: boolean | undefined;
}

const PUSH_HELP = `
HF_TOKEN has to hold a token with write access; HF_ENDPOINT is another hub's address. The same
command continues a push that was interrupted: large files that the hub already has are not sent
again. The repository then equals what was pushed: files of an earlier push that are gone are
removed. Files that no push has written, or that were changed on the hub, are left alone, and the
command fails; with --replace, they are replaced and removed. A commit that somebody else makes
meanwhile is never overwritten.`;

/** Adds the flags of a push to a verb. */
export function withPush(command: Command): Command {
  return command
    .option("--branch <name>", "branch to push to; made if it is missing", branchName, "main")
    .option("--message <text>", "title of the commit (default: what is pushed, and by which version)")
    .option("--private", "a repository that is made is private; one that exists has to be")
    .option("--replace", "also replace and remove files that no push has written")
    .option("--dry-run", "list what would be sent and removed; send nothing")
    .addOption(jsonOption())
    .addHelpText("after", PUSH_HELP);
}

function branchName(text: string): string {
  if (isRevision(text)) return text;
  throw unexpected("input", { code: "FLAG", expected: "the name of a branch", name: "--branch", got: text });
}

/**
 * The repository to push to.
 *
 * @throws AppError("input", "HUB_NAME"), AppError("input", "FLAG") for a name with a revision
 */
export function pushTarget(text: string, type: HubRepository["type"]): HubRepository {
  const to = parseHubName(text, type);
  if (to.revision === undefined) return to;
  const expected = "a repository without a revision, which --branch names";
  throw unexpected("input", { code: "FLAG", expected, name: "the repository", got: text });
}

/** Pushes with a progress line, and prints what was done. */
export async function pushWithProgress(
  { signal, print }: Context,
  to: HubRepository,
  files: readonly PushFile[],
  { json, ...flags }: PushFlags,
  options: Pick<PushOptions, "marker" | "message">,
): Promise<void> {
  const done = await pushing({ signal }, to, files, flags, options);
  const dryRun = flags.dryRun === true;
  print(json === true ? JSON.stringify(pushJson(done, dryRun), null, 2) : pushText(done, dryRun));
}

async function pushing(
  { signal }: Pick<Context, "signal">,
  to: HubRepository,
  files: readonly PushFile[],
  flags: Omit<PushFlags, "json">,
  options: Pick<PushOptions, "marker" | "message">,
): Promise<Pushed> {
  const line = startBytes(hubName(to));
  try {
    return await push(to, files, {
      ...{ signal, branch: flags.branch, isPrivate: flags.private, replace: flags.replace },
      ...{ dryRun: flags.dryRun, onProgress: line.onProgress },
      onWait: (ms, { message }) => line.note(`waiting ${Math.ceil(ms / 1000)} s: ${message}`),
      ...{ marker: options.marker, message: flags.message ?? options.message },
    });
  } finally {
    line.done();
  }
}

function pushJson({ send, keep, remove, ...about }: Pushed, dryRun: boolean) {
  const line = ({ name, sizeBytes, sha256 }: PushFile) => ({ name, sizeBytes, sha256 });
  const removed = remove.map(({ path: name, sizeBytes }) => ({ name, sizeBytes }));
  return { ...about, dryRun, sent: send.map(line), kept: keep.map(line), removed };
}

function pushText(done: Pushed, dryRun: boolean): string {
  const { send, replaced, keep, remove, repository, url, commit, branch, made } = done;
  const [sends, removes] = dryRun ? ["would send", "would remove"] : ["sent", "removed"];
  const bytes = send.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const equal = send.length + remove.length === 0;
  const on = branch === "main" ? "" : `, branch ${branch}`;
  return [
    ...send.map(({ name, sizeBytes }) => `${sends}  ${visible(name)}  ${size(sizeBytes)}`),
    ...remove.map(({ path, sizeBytes }) => `${removes}  ${visible(path)}  ${size(sizeBytes)}`),
    equal
      ? `${repository}${on} has all ${keep.length} files already`
      : `${repository}${on}: ${dryRun ? "would send" : "sent"} ${send.length} files, ${size(bytes)}; ${keep.length} are there already; ${remove.length} ${dryRun ? "to be removed" : "removed"}${made ? (dryRun ? "; the repository would be made" : "; the repository was made") : ""}`,
    ...(remove.length + replaced.length > 0 ? HISTORY : []),
    ...(commit === null ? [] : [`${url}  commit ${commit}`]),
  ].join("\n");
}

/** What a commit does not undo. */
const HISTORY = [
  "Earlier versions of the files stay in the repository's history, where everybody who can read it can fetch them.",
  "To remove them, e.g. after a withdrawal: squash the history (huggingface_hub: HfApi().super_squash_history), then delete",
  "the old objects under Settings, Storage, List LFS files; or delete the repository and push anew. Copies of others stay.",
];

function size(bytes: number): string {
  return bytes < 1e5 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

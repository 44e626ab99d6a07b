// Makes a repository of the Hugging Face hub equal to a set of files, in one commit.
// Invariants: nothing is written before everything has been judged; a commit follows the one whose files were judged, or none
// is made; what is called pushed was listed again, hash by hash; a push that was cut goes on where it was.
import { AppError, unexpected } from "../../core/errors.ts";
import { endpointOf, type HubAccess, tokenOf } from "./access.ts";
import { type Head, type Hub, type HubFile, openHub } from "./library.ts";
import { type Plan, type PushFile, planOf } from "./plan.ts";
import { type HubRepository, hubName, hubPath } from "./repository.ts";
import { refuseStrangers } from "./strangers.ts";

/** How to push. */
export interface PushOptions extends HubAccess {
  /** Default: main. Made where it is missing. */
  readonly branch?: string | undefined;
  /** Title of the commit. */
  readonly message: string;
  /** A repository that is made is private. */
  readonly isPrivate?: boolean | undefined;
  /** Replaces and removes files that no push has written. */
  readonly replace?: boolean | undefined;
  /** Writes nothing. */
  readonly dryRun?: boolean | undefined;
  /** A file that every push of this kind writes. */
  readonly marker: string;
  /** Bytes of large files that the hub has, of all that are to go there. */
  readonly onProgress?: ((doneBytes: number, totalBytes: number) => void) | undefined;
  readonly onStep?: ((text: string) => void) | undefined;
}

/** What a push did, or would do. */
export interface Pushed extends Plan {
  /** `hf:datasets/USER/NAME`. */
  readonly repository: string;
  readonly url: string;
  readonly branch: string;
  /** The commit that holds the files; null where none was made. */
  readonly commit: string | null;
  /** True if the repository was, or would be, made. */
  readonly made: boolean;
}

/**
 * Pushes files.
 *
 * @param files - all that the repository is to hold
 * @throws AppError("input", "HF_TOKEN" | "HUB_PUBLIC" | "HUB_FOREIGN"), AppError("remote", "HUB_CONFLICT" for a commit that came
 *   between, "HUB_DIFFERS" if the hub lists other bytes afterwards, or as hubRefusal); Interrupted after the signal
 */
export async function push(
  repository: HubRepository,
  files: readonly PushFile[],
  options: PushOptions,
): Promise<Pushed> {
  const { branch = "main", dryRun = false, isPrivate = false, replace = false, marker } = options;
  if (!dryRun && tokenOf(options) === undefined) throw noToken(repository);
  const meter = meterOf(files, options);
  const hub = await openHub(repository, { ...options, writes: !dryRun, onSent: meter.sent });
  const about = `${endpointOf(options)}${hubPath(repository)}`;
  let head = await headOf(hub, branch, dryRun);
  const made = head === undefined && (branch === "main" || (await headOf(hub, "main", dryRun)) === undefined);
  if (head !== undefined && isPrivate && !head.private) throw isPublic(repository);
  const judge = async (at: Head | undefined): Promise<Plan> => {
    const there = at === undefined ? new Map<string, HubFile>() : await hub.files(at.commit);
    const plan = planOf(files, there);
    if (at !== undefined && !replace)
      await refuseStrangers({ repository, commit: at.commit, files: there }, plan, marker, options);
    return plan;
  };
  let plan = await judge(head);
  const summary = (commit: string | null): Pushed => {
    return { ...plan, repository: hubName(repository), url: about, branch, commit, made };
  };
  if (dryRun) return summary(null);
  if (head === undefined) {
    if (made) await hub.create(isPrivate);
    if (branch !== "main") await hub.branch(branch);
    head = await hub.head(branch);
    if (head === undefined) throw vanished(repository, branch);
    plan = await judge(head);
  }
  if (plan.send.length + plan.remove.length === 0) return summary(head.commit);
  meter.begin(plan);
  const commit = await committed(hub, repository, { plan, branch, head, files, options, meter });
  return summary(commit);
}

interface Work {
  readonly plan: Plan;
  readonly branch: string;
  readonly head: Head;
  readonly files: readonly PushFile[];
  readonly options: PushOptions;
  readonly meter: ReturnType<typeof meterOf>;
}

/** Commits, and reads what the hub has made of it. */
async function committed(hub: Hub, repository: HubRepository, work: Work): Promise<string> {
  const { plan, branch, head, files, options, meter } = work;
  const equal = async (commit: string) => {
    const { send, remove } = planOf(files, await hub.files(commit));
    return send.length + remove.length === 0;
  };
  const wanted = { branch, title: options.message, parent: head.commit, send: plan.send };
  try {
    const remove = plan.remove.map(({ path }) => path);
    const commit = await hub.commit({ ...wanted, remove, onStored: meter.stored });
    if (await equal(commit)) return commit;
    throw differs(repository, commit);
  } catch (error) {
    // The answer to a commit may have been lost, and the next attempt then finds that very commit.
    if (!(error instanceof AppError) || error.code !== "HUB_CONFLICT") throw error;
    const now = await hub.head(branch);
    if (now !== undefined && now.commit !== head.commit && (await equal(now.commit))) return now.commit;
    throw error;
  }
}

/** Where nobody is named, the hub does not say whether there is such a repository. */
async function headOf(hub: Hub, branch: string, dryRun: boolean): Promise<Head | undefined> {
  try {
    return await hub.head(branch);
  } catch (error) {
    if (dryRun && error instanceof AppError && error.code === "REMOTE_DENIED") return undefined;
    throw error;
  }
}

/** Bytes that the hub has of what is to go there: sent just now, or stored before. */
function meterOf(files: readonly PushFile[], { onProgress }: PushOptions) {
  const sizes = new Map(files.map(({ name, sizeBytes }) => [name, sizeBytes]));
  const under = new Map<string, number>();
  const stored = new Set<string>();
  let total = 0;
  const sum = (values: Iterable<number>) => [...values].reduce((all, value) => all + value, 0);
  const show = () => {
    const done = Math.max(sum(under.values()), sum([...stored].map((name) => sizes.get(name) ?? 0)));
    onProgress?.(Math.min(done, total), total);
  };
  return {
    begin({ send }: Plan) {
      total = sum(send.map(({ sizeBytes }) => sizeBytes));
    },
    sent(key: string, bytes: number) {
      under.set(key, bytes);
      show();
    },
    stored(name: string) {
      stored.add(name);
      show();
    },
  };
}

function noToken(repository: HubRepository): AppError {
  const hint =
    "export HF_TOKEN, a token with write access: the hub makes them under Settings, Access Tokens; --dry-run needs none";
  const e = {
    code: "HF_TOKEN",
    expected: `a token that may write to ${hubName(repository)}`,
    got: undefined,
  };
  return unexpected("input", { ...e, name: "HF_TOKEN", hint });
}

function isPublic(repository: HubRepository): AppError {
  const e = {
    code: "HUB_PUBLIC",
    expected: "a private repository, or one that is to be made,",
    got: "a public one",
  };
  const hint = "make it private in its settings on the hub, or push without --private";
  return unexpected("input", { ...e, name: hubName(repository), hint });
}

function vanished(repository: HubRepository, branch: string): AppError {
  const message = `Expected branch ${branch} of ${hubName(repository)}, which was just made, got none`;
  return new AppError("remote", "HUB_ANSWER", message, { hint: "run the same command again" });
}

function differs(repository: HubRepository, commit: string): AppError {
  const message = `Expected ${hubName(repository)} at ${commit} to hold the bytes that were pushed, got others`;
  const hint = "were the files changed during the push? Run the same command again";
  return new AppError("remote", "HUB_DIFFERS", message, { hint });
}

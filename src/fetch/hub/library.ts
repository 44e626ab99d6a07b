// The only importer of @huggingface/hub: loaded when the hub is asked for more than a file.
// Source: its commit, listFiles, createRepo, createBranch, modelInfo and datasetInfo; docs/decisions/0025 has what is left to it.
// Invariants: every request goes through hubFetch, so that faults are this package's own and the token stays here; what the
// hub answers is checked before it is used; a listing that lacks a file which the commit itself names is none.
import { pathToFileURL } from "node:url";
import { z } from "zod";
import { AppError, Interrupted, show, unexpected } from "../../core/errors.ts";
import { safeParse } from "../../core/schema.ts";
import { stopped } from "../http/retry.ts";
import { endpointOf, type HubAccess } from "./access.ts";
import { type HubRepository, hubName } from "./repository.ts";
import { hubFetch, STAND_IN, type Wire } from "./wire.ts";

/** Where a branch, tag or commit stands. */
export interface Head {
  readonly commit: string;
  readonly private: boolean;
}

/** A file of a commit. */
export interface HubFile {
  readonly path: string;
  readonly sizeBytes: number;
  /** Git's hash; of a large file, that of its pointer. */
  readonly gitOid: string;
  /** Of a file in large file storage. */
  readonly sha256: string | undefined;
}

/** A file to send. */
export interface Sending {
  /** Below the repository. */
  readonly name: string;
  /** On this disk. */
  readonly path: string;
}

/** One commit. */
export interface Commit {
  readonly branch: string;
  readonly title: string;
  /** The commit that it follows; another one since is a conflict. */
  readonly parent: string;
  readonly send: readonly Sending[];
  readonly remove: readonly string[];
  /** A file whose bytes the hub has, just sent or from before. */
  readonly onStored?: ((name: string) => void) | undefined;
}

/** One repository of the hub, asked by the library. */
export interface Hub {
  /** Where the repository, or a branch of it, stands; undefined if there is none that this token may see. */
  head(revision: string): Promise<Head | undefined>;
  /** All files of a commit, by their paths. */
  files(commit: string): Promise<Map<string, HubFile>>;
  /** Makes the repository; one that is there stays as it is. */
  create(isPrivate: boolean): Promise<void>;
  /** Makes a branch where the default one stands. */
  branch(name: string): Promise<void>;
  /** Sends the files that the hub does not have, and commits. @returns the new commit */
  commit(commit: Commit): Promise<string>;
}

const OID = /^[0-9a-f]{40}$/;
const headSchema = z.object({ sha: z.string().regex(OID), private: z.boolean().default(false) });
const namesSchema = z.object({ siblings: z.array(z.object({ rfilename: z.string() })) });
const entrySchema = z.object({
  type: z.string(),
  path: z.string().min(1),
  size: z.int().nonnegative(),
  oid: z.string().regex(OID),
  lfs: z.object({ oid: z.string().regex(/^[0-9a-f]{64}$/), size: z.int().nonnegative() }).optional(),
});
const commitSchema = z.object({ commit: z.object({ oid: z.string().regex(OID) }) });

/**
 * Opens a repository.
 *
 * @throws AppError("input", "HF_TOKEN" | "HF_ENDPOINT" | "ADDRESS" | "ADDRESS_USER"); each of its functions
 *   AppError("remote", ...) as hubRefusal, Interrupted after the signal
 */
export async function openHub(
  repository: HubRepository,
  options: HubAccess & Pick<Wire, "writes" | "onSent">,
): Promise<Hub> {
  const { type, name } = repository;
  const hubUrl = endpointOf(options);
  const what = hubName(repository);
  const own = hubFetch({ ...options, endpoint: hubUrl, what });
  const library = await import("@huggingface/hub");
  const common = { hubUrl, fetch: own, accessToken: STAND_IN };
  const repo = { type, name };
  const asking = <T>(work: () => Promise<T>) => ownFaults(work, what, options.signal);
  const info = async (revision: string, field: string) => {
    const ask = { ...common, name, revision, additionalFields: [field as "sha"] }; // its types leave siblings out
    return type === "model" ? await library.modelInfo(ask) : await library.datasetInfo(ask);
  };
  return {
    head: (revision) =>
      orNone(() =>
        asking(async () => {
          const { sha: commit, private: isPrivate } = checked(headSchema, await info(revision, "sha"), what);
          return { commit, private: isPrivate };
        }),
      ),
    files: (commit) =>
      asking(async () => {
        const all = new Map<string, HubFile>();
        for await (const one of library.listFiles({ ...common, repo, revision: commit, recursive: true })) {
          const { type: kind, path, size, oid, lfs } = checked(entrySchema, one, what);
          if (kind !== "file") continue;
          all.set(path, { path, sizeBytes: lfs?.size ?? size, gitOid: oid, sha256: lfs?.oid });
        }
        const named = checked(namesSchema, await info(commit, "siblings"), what).siblings;
        const absent = named.find(({ rfilename }) => !all.has(rfilename));
        if (absent !== undefined)
          throw strange(what, `a list of its files without ${show(absent.rfilename)}`);
        return all;
      }),
    create: async (isPrivate) => {
      const visible = isPrivate ? { visibility: "private" as const } : {}; // else as its owner's settings have it
      try {
        await asking(() => library.createRepo({ ...common, repo, ...visible }));
      } catch (error) {
        if (!(error instanceof AppError) || error.code !== "HUB_CONFLICT") throw error; // there by now
      }
    },
    branch: (branch) => asking(() => library.createBranch({ ...common, repo, branch })),
    commit: (commit) => asking(() => send(library, { ...common, repo }, commit, what)),
  };
}

/** @returns undefined where the hub has nothing of the name, or nothing that may be seen */
async function orNone<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof AppError && error.code === "REMOTE_NOT_FOUND") return undefined;
    throw error;
  }
}

type Library = typeof import("@huggingface/hub");
type Common = Pick<Parameters<Library["commitIter"]>[0], "repo" | "hubUrl" | "fetch"> & {
  readonly accessToken: string;
};

async function send(library: Library, common: Common, commit: Commit, what: string): Promise<string> {
  const { branch, title, parent, remove, onStored } = commit;
  const steps = library.commitIter({
    ...common,
    branch,
    title,
    parentCommit: parent,
    useXet: false, // an object of LFS that was sent once stays sent; docs/decisions/0025
    operations: [
      ...commit.send.map(({ name, path }) => ({
        ...{ operation: "addOrUpdate" as const, path: name, content: pathToFileURL(path) },
      })),
      ...remove.map((path) => ({ operation: "delete" as const, path })),
    ],
  });
  for (;;) {
    const { done, value } = await steps.next();
    if (done === true) return checked(commitSchema, value, what).commit.oid;
    if (value.event === "fileProgress" && value.state === "uploading" && value.progress === 1)
      onStored?.(value.path);
  }
}

/** Whatever the library itself finds wrong was answered by the hub. */
async function ownFaults<T>(work: () => Promise<T>, what: string, signal?: AbortSignal): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (signal?.aborted) throw stopped(signal);
    if (error instanceof AppError || !isOfLibrary(error)) throw error;
    throw strange(what, error.message, error);
  }
}

/** All but interruptions and what the system says of the files that are sent. */
const isOfLibrary = (error: unknown): error is Error =>
  error instanceof Error && !(error instanceof Interrupted) && !("errno" in error);

function checked<S extends z.ZodType>(schema: S, value: unknown, what: string): z.output<S> {
  const found = safeParse(schema, value);
  if (found.success) return found.data;
  throw strange(what, `one whose ${found.error.issues[0]!.path.join(".")} is no such thing`, found.error);
}

function strange(what: string, got: string, cause?: unknown): AppError {
  const hint = "if HF_ENDPOINT is set, see what answers there";
  const e = { code: "HUB_ANSWER", expected: "an answer of the hub's API", name: what, got };
  return unexpected("remote", { ...e, hint, cause });
}

// Repositories of the Hugging Face hub as they are named here: `hf:USER/NAME` for a model, `hf:datasets/USER/NAME` for a
// dataset, with `@REVISION` (a branch, a tag or a commit) behind it where one is meant.
// Source: the hub's rules for names (huggingface_hub's validate_repo_id). Invariant: a parsed name is safe in a path and a URL.
import { unexpected } from "../../core/errors.ts";

/** What stands before the name of a repository of the hub. */
export const HF_PREFIX = "hf:";

/** A repository, and the revision that is meant, if any. */
export interface HubRepository {
  readonly type: "model" | "dataset";
  /** `USER/NAME`. */
  readonly name: string;
  readonly revision?: string | undefined;
}

const FORMS = { model: "hf:USER/NAME", dataset: "hf:datasets/USER/NAME" } as const;
const PART = /^(?!.*(--|\.\.))[A-Za-z0-9](?:[\w.-]{0,94}[A-Za-z0-9_])?$/;
const REVISION = /^(?!.*(\.\.|\/\/|@\{))[A-Za-z0-9][\w./+-]{0,199}$/;
const COMMIT = /^[0-9a-f]{40}$/;

/** True for what is meant as a repository of the hub, well written or not. */
export const isHubName = (text: string) => text.startsWith(HF_PREFIX);

/** True for the full hash of a commit, which names one state for ever. */
export const isCommit = (revision: string | undefined) => revision !== undefined && COMMIT.test(revision);

/**
 * Reads the name of a repository.
 *
 * @param type - what it must hold
 * @throws AppError("input", "HUB_NAME")
 * @example parseHubName("hf:datasets/me/pairs@v1", "dataset") // { type: "dataset", name: "me/pairs", revision: "v1" }
 */
export function parseHubName(text: string, type: HubRepository["type"]): HubRepository {
  const [, kind, user, own, revision] =
    /^hf:(?:(models|datasets|spaces)\/)?([^/@]*)\/([^/@]*)(?:@(.*))?$/.exec(text) ?? [];
  const right = type === "dataset" ? kind === "datasets" : kind === undefined || kind === "models";
  const named = [user, own].every((part) => part !== undefined && PART.test(part) && !part.endsWith(".git"));
  if (right && named && (revision === undefined || isRevision(revision)))
    return { type, name: `${user}/${own}`, revision };
  const hint =
    type === "dataset" && kind === undefined && named
      ? `hf:datasets/${user}/${own} if it is a dataset`
      : "as in the address of its page on the hub";
  const expected = `${FORMS[type]}, with @REVISION behind it if one is meant,`;
  throw unexpected("input", { code: "HUB_NAME", expected, name: "the repository", got: text, hint });
}

/** True for the name of a branch, a tag or a commit. */
export const isRevision = (text: string) => REVISION.test(text) && !/(\.lock|[./])$/.test(text);

/** The name as it is given here, without a revision. */
export const hubName = ({ type, name }: HubRepository) =>
  `hf:${type === "dataset" ? "datasets/" : ""}${name}`;

/** Its page, below the hub's address: `/USER/NAME` or `/datasets/USER/NAME`. */
export const hubPath = ({ type, name }: HubRepository) => `/${type === "dataset" ? "datasets/" : ""}${name}`;

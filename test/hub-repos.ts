// Repositories as the hub of tests keeps them: commits, branches, and objects in large file storage.
import { createHash } from "node:crypto";

/** A file of a commit. */
export interface StoredFile {
  readonly bytes: Uint8Array;
  readonly large: boolean;
}

interface StoredCommit {
  readonly oid: string;
  readonly parent: string | undefined;
  readonly title: string;
  readonly files: ReadonlyMap<string, StoredFile>;
}

/** One repository. */
export interface Repo {
  readonly private: boolean;
  readonly commits: Map<string, StoredCommit>;
  readonly branches: Map<string, string>;
  /** By hex SHA-256: what was sent whole. */
  readonly objects: Map<string, Uint8Array>;
}

const hash = (name: "sha1" | "sha256", ...parts: (string | Uint8Array)[]) => {
  const made = createHash(name);
  for (const part of parts) made.update(part);
  return made.digest("hex");
};

/** What the hub calls a file: git's hash of it, or of the pointer to it. */
export function gitOidOf({ bytes, large }: StoredFile): string {
  const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${hash("sha256", bytes)}\nsize ${bytes.byteLength}\n`;
  const content = large ? Buffer.from(pointer) : bytes;
  return hash("sha1", `blob ${content.byteLength}\0`, content);
}

/** As the hub makes one: with a first commit that holds `.gitattributes`. */
export function newRepo(isPrivate: boolean): Repo {
  const repo: Repo = { private: isPrivate, commits: new Map(), branches: new Map(), objects: new Map() };
  const bytes = Buffer.from("*.zip filter=lfs diff=lfs merge=lfs -text\n");
  addCommit(repo, "main", "initial commit", new Map([[".gitattributes", { bytes, large: false }]]));
  return repo;
}

/** Puts a commit on a branch. */
export function addCommit(
  repo: Repo,
  branch: string,
  title: string,
  files: ReadonlyMap<string, StoredFile>,
): StoredCommit {
  const parent = repo.branches.get(branch);
  const names = [...files].map(([path, file]) => `${gitOidOf(file)} ${path}\n`).sort();
  const oid = hash("sha1", parent ?? "", title, ...names, String(repo.commits.size));
  const commit = { oid, parent, title, files: new Map(files) };
  repo.commits.set(oid, commit);
  repo.branches.set(branch, oid);
  return commit;
}

/** The commit that a branch or a hash names. */
export function commitOf(repo: Repo, revision: string): StoredCommit | undefined {
  return repo.commits.get(repo.branches.get(revision === "HEAD" ? "main" : revision) ?? revision);
}

/** The paths of a branch's last commit. */
export function pathsOf(repo: Repo, branch = "main"): string[] {
  return [...commitOf(repo, branch)!.files.keys()].sort();
}

// The hub's API as @huggingface/hub asks it: making repositories, listing, preupload, large file storage, commits; what a
// server of tests answers, from the state in hub-repos.ts.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Hub } from "./hub.ts";
import { hashOf } from "./hub.ts";
import { addCommit, commitOf, gitOidOf, newRepo, type Repo, type StoredFile } from "./hub-repos.ts";

/** Whose names the writer may use. */
export const OWNER = "me";

interface Call {
  readonly hub: Hub;
  readonly request: IncomingMessage;
  readonly url: URL;
  readonly body: Buffer;
  readonly answer: (status: number, body: unknown, headers?: Record<string, string>) => undefined;
}

/** `datasets/me/pairs` or `me/model`, as `hub.repos` names them. */
const keyOf = (kind: string, name: string) => (kind === "datasets" ? `datasets/${name}` : name);

const ROUTES: readonly [string, RegExp, (call: Call, parts: string[]) => undefined][] = [
  ["POST", /^\/api\/repos\/create$/, createRepo],
  ["GET", /^\/api\/(models|datasets)\/([^/]+\/[^/]+)\/revision\/(.+)$/, revision],
  ["GET", /^\/api\/(models|datasets)\/([^/]+\/[^/]+)\/tree\/([^/]+)(?:\/(.+))?$/, tree],
  ["POST", /^\/api\/(models|datasets)\/([^/]+\/[^/]+)\/preupload\/(.+)$/, preupload],
  ["POST", /^\/api\/(models|datasets)\/([^/]+\/[^/]+)\/branch\/(.+)$/, branch],
  ["POST", /^\/api\/(models|datasets)\/([^/]+\/[^/]+)\/commit\/(.+)$/, commit],
  ["POST", /^\/(?:(datasets)\/)?([^/]+\/[^/]+)\.git\/info\/lfs\/objects\/batch$/, batch],
  ["POST", /^\/api\/complete_multipart\/(.+)\/([0-9a-f]{64})$/, complete],
];

/** Answers a request of the API. @returns false for what is none */
export function answerApi(hub: Hub, request: IncomingMessage, response: ServerResponse): boolean {
  const url = new URL(request.url!, hub.endpoint);
  for (const [method, pattern, route] of ROUTES) {
    const found = request.method === method ? pattern.exec(url.pathname) : null;
    if (found === null) continue;
    const parts = found.slice(1).map((part) => decodeURIComponent(part ?? ""));
    const answer: Call["answer"] = (status, body, headers = {}) => {
      response
        .writeHead(status, { "content-type": "application/json; charset=utf-8", ...headers })
        .end(JSON.stringify(body));
      return undefined;
    };
    collect(request, (body) => route({ hub, request, url, body, answer }, parts));
    return true;
  }
  return false;
}

function collect(request: IncomingMessage, then: (body: Buffer) => void): void {
  const parts: Buffer[] = [];
  request.on("data", (chunk: Buffer) => parts.push(chunk));
  request.on("end", () => then(Buffer.concat(parts)));
  request.on("error", () => undefined); // a client that was killed
}

const tokenIn = ({ request }: Call) => /^Bearer (.+)$/.exec(request.headers.authorization ?? "")?.[1];

/** The writer may write below its own name; who names nobody gets that answer. */
function mayWrite(call: Call, name: string): boolean {
  const token = tokenIn(call);
  if (token !== call.hub.writer) {
    call.answer(401, { error: "Invalid username or password." }, { "x-error-code": "RepoNotFound" });
    return false;
  }
  if (name.startsWith(`${OWNER}/`)) return true;
  call.answer(403, { error: `You don't have the rights to write to ${name} (token ${token})` });
  return false;
}

function repoOf(call: Call, key: string): Repo | undefined {
  const repo = call.hub.repos.get(key);
  const known = tokenIn(call) === call.hub.writer;
  if (repo !== undefined && (!repo.private || known)) return repo;
  const headers = { "x-error-code": "RepoNotFound" };
  if (known) call.answer(404, { error: "Repository not found" }, headers);
  else call.answer(401, { error: "Invalid username or password." }, headers);
  return undefined;
}

function createRepo(call: Call): undefined {
  const asked = JSON.parse(call.body.toString()) as Record<string, string>;
  const name = `${asked["organization"]}/${asked["name"]}`;
  if (!mayWrite(call, name)) return;
  const key = keyOf(`${asked["type"]}s`, name);
  const url = `${call.hub.endpoint}/${key}`;
  if (call.hub.repos.has(key)) return call.answer(409, { error: "You already created this repo", url });
  call.hub.repos.set(key, newRepo(asked["visibility"] === "private"));
  call.answer(200, { url, name, id: "1" });
}

function revision(call: Call, [kind, name, at]: string[]): undefined {
  const repo = repoOf(call, keyOf(kind!, name!));
  if (repo === undefined) return;
  const found = commitOf(repo, at!);
  if (found === undefined)
    return call.answer(404, { error: "Invalid rev id" }, { "x-error-code": "RevisionNotFound" });
  call.answer(200, {
    ...{ _id: "1", id: name, private: repo.private, sha: found.oid, downloads: 0, likes: 0, gated: false },
    lastModified: "2026-01-01T00:00:00.000Z",
    siblings: call.url.searchParams.getAll("expand").includes("siblings")
      ? [...found.files.keys()].map((rfilename) => ({ rfilename }))
      : undefined,
  });
}

function tree(call: Call, [kind, name, at, below = ""]: string[]): undefined {
  const repo = repoOf(call, keyOf(kind!, name!));
  const found = repo && commitOf(repo, at!);
  if (repo === undefined) return;
  if (found === undefined) return call.answer(404, { error: "Invalid rev id" });
  const folders = new Set([...found.files.keys()].flatMap((path) => foldersOf(path)));
  const all = [
    ...[...folders].map((path) => ({ type: "directory", path, size: 0, oid: gitOidOf(EMPTY) })),
    ...[...found.files].map(([path, file]) => entryOf(path, file)),
  ];
  const isDeep = call.url.searchParams.get("recursive")?.toLowerCase() === "true";
  const start = below === "" ? "" : `${below}/`;
  const entries = all.filter(
    ({ path }) => path.startsWith(start) && (isDeep || !path.slice(start.length).includes("/")),
  );
  if (entries.length === 0 && below !== "")
    return call.answer(404, { error: "Entry not found" }, { "x-error-code": "EntryNotFound" });
  const from = Number(call.url.searchParams.get("cursor") ?? 0);
  const to = from + call.hub.pageSize;
  const next = new URL(call.url);
  next.searchParams.set("cursor", String(to));
  const link = to < entries.length ? { link: `<${next.href}>; rel="next"` } : undefined;
  call.answer(200, entries.slice(from, to), link);
}

const EMPTY: StoredFile = { bytes: new Uint8Array(), large: false };

/** `a/b/c.txt` lies in `a` and in `a/b`. */
const foldersOf = (path: string): string[] =>
  path
    .split("/")
    .slice(0, -1)
    .map((_, i, parts) => parts.slice(0, i + 1).join("/"));

const entryOf = (path: string, file: StoredFile) => ({
  ...{ type: "file", path, size: file.bytes.byteLength, oid: gitOidOf(file) },
  ...(file.large && { lfs: { oid: hashOf(file.bytes), size: file.bytes.byteLength, pointerSize: 130 } }),
});

const isLarge = (path: string, size: number) =>
  /\.(zip|safetensors|onnx|parquet|bin)$/.test(path) || size > 1e6;

function preupload(call: Call, [kind, name]: string[]): undefined {
  if (!mayWrite(call, name!) || repoOf(call, keyOf(kind!, name!)) === undefined) return;
  const { files } = JSON.parse(call.body.toString()) as { files: { path: string; size: number }[] };
  const modes = files.map(({ path, size }) => ({
    ...{ path, uploadMode: isLarge(path, size) ? "lfs" : "regular", shouldIgnore: false },
  }));
  call.answer(200, { files: modes });
}

function branch(call: Call, [kind, name, to]: string[]): undefined {
  const repo = mayWrite(call, name!) ? repoOf(call, keyOf(kind!, name!)) : undefined;
  if (repo === undefined) return;
  if (repo.branches.has(to!)) return call.answer(409, { error: "Reference already exists" });
  repo.branches.set(to!, repo.branches.get("main")!);
  call.answer(200, {});
}

interface BatchObject {
  readonly oid: string;
  readonly size: number;
}

function batch(call: Call, [kind, name]: string[]): undefined {
  const { hub } = call;
  const key = keyOf(kind!, name!);
  const repo = mayWrite(call, name!) ? repoOf(call, key) : undefined;
  if (repo === undefined) return;
  const { objects, transfers } = JSON.parse(call.body.toString()) as {
    objects: BatchObject[];
    transfers: string[];
  };
  const multipart = transfers.includes("multipart");
  const answered = objects.map(({ oid, size }) => {
    if (repo.objects.has(oid)) return { oid, size };
    const href = `${hub.cdn}/lfs/${encodeURIComponent(key)}/${oid}`;
    if (!multipart || size <= hub.partBytes)
      return { oid, size, actions: { upload: { href: `${href}?signature=secret` } } };
    const parts = Array.from({ length: Math.ceil(size / hub.partBytes) }, (_, i) => [
      String(i + 1).padStart(5, "0"),
      `${href}?part=${i + 1}&signature=secret`,
    ]);
    const header = { chunk_size: String(hub.partBytes), ...Object.fromEntries(parts) };
    const upload = { href: `${hub.endpoint}/api/complete_multipart/${encodeURIComponent(key)}/${oid}` };
    return { oid, size, actions: { upload: { ...upload, header } } };
  });
  call.answer(200, { transfer: multipart ? "multipart" : "basic", objects: answered });
}

function complete(call: Call, [key, oid]: string[]): undefined {
  const { parts } = JSON.parse(call.body.toString()) as { parts: { partNumber: number; etag: string }[] };
  const bytes = parts.map(({ partNumber, etag }) => {
    const part = call.hub.parts.get(`${oid}/${partNumber}`);
    return part !== undefined && etag === `"${hashOf(part)}"` ? part : Buffer.from("?");
  });
  store(call.hub, key!, oid!, Buffer.concat(bytes))
    ? call.answer(200, {})
    : call.answer(422, { error: "parts" });
}

/** An object that is whole. */
export function store(hub: Hub, key: string, oid: string, bytes: Uint8Array): boolean {
  if (hashOf(bytes) !== oid) return false;
  hub.repos.get(key)!.objects.set(oid, bytes);
  return true;
}

interface Operation {
  readonly key: string;
  readonly value: Readonly<Record<string, string>>;
}

function commit(call: Call, [kind, name, to]: string[]): undefined {
  const repo = mayWrite(call, name!) ? repoOf(call, keyOf(kind!, name!)) : undefined;
  if (repo === undefined) return;
  const before = commitOf(repo, to!)!;
  const lines = call.body.toString().split("\n");
  const [header, ...operations] = lines.map((line) => JSON.parse(line) as Operation);
  const { summary, parentCommit } = header!.value;
  if (parentCommit !== undefined && parentCommit !== before.oid)
    return call.answer(412, { error: "A commit has happened since. Please refresh and try again." });
  const files = new Map(before.files);
  for (const { key, value } of operations) {
    const { path, oid, content } = value;
    if (key === "deletedFile") files.delete(path!);
    else if (key === "file") files.set(path!, { bytes: Buffer.from(content!, "base64"), large: false });
    else if (!repo.objects.has(oid!))
      return call.answer(400, { error: `LFS pointer ${path} does not exist` });
    else files.set(path!, { bytes: repo.objects.get(oid!)!, large: true } satisfies StoredFile);
  }
  const { oid } = addCommit(repo, to!, summary!, files);
  call.answer(200, {
    success: true,
    commitOid: oid,
    commitUrl: `${call.hub.endpoint}/${name}/commit/${oid}`,
    hookOutput: "",
  });
}

// A server on this machine that behaves like the Hugging Face hub and its CDN, and misbehaves on request.
import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { answerApi, store } from "./hub-api.ts";
import { commitOf, type Repo } from "./hub-repos.ts";

export interface Seen {
  readonly server: "hub" | "cdn";
  readonly method: string;
  readonly path: string;
  readonly range: string | undefined;
  readonly authorization: string | undefined;
}

/** Answers a request in place of the file, or leaves it to the file by returning false. */
export type Trick = (request: IncomingMessage, response: ServerResponse) => boolean;

export interface Hub {
  readonly endpoint: string;
  readonly cdn: string;
  readonly seen: Seen[];
  /** By path below the hub, e.g. `/timm/name/resolve/main/config.json`. */
  readonly files: Map<string, Uint8Array>;
  /** Used up one a request to the CDN (and to the hub's `hubTricks`). */
  readonly tricks: Trick[];
  readonly hubTricks: Trick[];
  /** The CDN cuts each connection after so many bytes of body. */
  cutAfter: number | undefined;
  /** The CDN knows ranges. */
  ranges: boolean;
  /** Put behind the CDN's ETags; changes the file's identity. */
  version: string;
  /** What the hub demands in Authorization. */
  token: string | undefined;
  /** Repositories with commits, by `USER/NAME` or `datasets/USER/NAME`; `writer` is the token that may write to those of `me`. */
  readonly repos: Map<string, Repo>;
  writer: string;
  /** Each answers the first request to such a path, in place of the server. */
  readonly traps: { readonly path: RegExp; readonly trick: Trick }[];
  /** Entries of a page of a listing; bytes of a part of an object; parts that came. */
  pageSize: number;
  partBytes: number;
  readonly parts: Map<string, Uint8Array>;
  /** Bytes of objects that came, whole or not, and after how many of them the connection is cut; used up by the cut. */
  putBytes: number;
  cutPutAfter: number | undefined;
  close(): Promise<void>;
}

export const hashOf = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

/** Answers with a status and headers. */
export const status =
  (code: number, headers: Record<string, string> = {}, body = ""): Trick =>
  (_request, response) => {
    response.writeHead(code, headers).end(body);
    return true;
  };

/** Starts both servers; large files (.safetensors, .bin) are on the CDN, as the hub's LFS files are. */
export async function startHub(): Promise<Hub> {
  const cdnServer = createServer((request, response) => serve(hub, "cdn", request, response));
  const hubServer = createServer((request, response) => serve(hub, "hub", request, response));
  const hub: Hub = {
    endpoint: await listen(hubServer),
    cdn: await listen(cdnServer),
    seen: [],
    files: new Map(),
    tricks: [],
    hubTricks: [],
    cutAfter: undefined,
    ranges: true,
    version: "",
    token: undefined,
    repos: new Map(),
    writer: "hf_writerwriterwriter",
    traps: [],
    ...{ pageSize: 1000, partBytes: 1e9, parts: new Map(), putBytes: 0, cutPutAfter: undefined },
    async close() {
      for (const server of [hubServer, cdnServer]) {
        server.closeAllConnections();
        await new Promise((resolve) => server.close(resolve));
      }
    },
  };
  return hub;
}

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function serve(hub: Hub, server: "hub" | "cdn", request: IncomingMessage, response: ServerResponse): void {
  const path = request.url!.split("?")[0]!;
  const { range, authorization } = request.headers;
  hub.seen.push({ server, method: request.method!, path, range, authorization });
  const trap = hub.traps.find((each) => each.path.test(request.url!));
  if (trap !== undefined) hub.traps.splice(hub.traps.indexOf(trap), 1);
  if (trap?.trick(request, response)) return;
  const trick = (server === "cdn" ? hub.tricks : hub.hubTricks).shift();
  if (trick?.(request, response)) return;
  if (server === "cdn" && request.method === "PUT") takeObject(hub, request, response);
  else if (server === "cdn") sendFile(hub, request, response, path);
  else answerAsHub(hub, request, response, path);
}

/** An object, or a part of one, as the hub's storage takes it; it may be cut on its way. */
function takeObject(hub: Hub, request: IncomingMessage, response: ServerResponse): void {
  const url = new URL(request.url!, hub.cdn);
  const [, key, oid] = /^\/lfs\/([^/]+)\/([0-9a-f]{64})$/.exec(url.pathname)!;
  const came: Buffer[] = [];
  let bytes = 0;
  request.on("error", () => undefined); // a client that was killed
  request.on("data", (chunk: Buffer) => {
    came.push(chunk);
    bytes += chunk.byteLength;
    hub.putBytes += chunk.byteLength;
    if (hub.cutPutAfter === undefined || bytes < hub.cutPutAfter) return;
    hub.cutPutAfter = undefined;
    request.destroy();
  });
  request.on("end", () => {
    const body = Buffer.concat(came);
    const part = url.searchParams.get("part");
    const right =
      request.headers["content-length"] === String(bytes) && url.searchParams.get("signature") === "secret";
    if (part !== null) hub.parts.set(`${oid}/${part}`, body);
    const done = right && (part !== null || store(hub, decodeURIComponent(key!), oid!, body));
    response.writeHead(done ? 200 : 403, { etag: `"${hashOf(body)}"`, "content-length": 0 }).end();
  });
}

/** A file of a repository's commit, where the address means one. */
function committed(hub: Hub, path: string) {
  const [, key, revision, name] =
    /^\/((?:datasets\/)?[^/]+\/[^/]+)\/resolve\/([^/]+)\/(.+)$/.exec(path) ?? [];
  const repo = key === undefined ? undefined : hub.repos.get(key);
  const found = repo && commitOf(repo, revision!);
  const file = found?.files.get(decodeURIComponent(name!));
  return file && { ...file, commit: found!.oid, hidden: repo!.private };
}

function answerAsHub(hub: Hub, request: IncomingMessage, response: ServerResponse, path: string): void {
  if (hub.token !== undefined && request.headers.authorization !== `Bearer ${hub.token}`) {
    response.writeHead(401, { "x-error-code": "RepoNotFound" }).end("Invalid username or password.");
    return;
  }
  if (answerApi(hub, request, response)) return;
  const cached = path.replace(/^\/api\/resolve-cache/, "");
  const own = committed(hub, cached);
  if (own?.hidden === true && request.headers.authorization !== `Bearer ${hub.writer}`) {
    response.writeHead(401, { "x-error-code": "RepoNotFound" }).end("Invalid username or password.");
    return;
  }
  const file = own?.bytes ?? hub.files.get(cached);
  const commit = own?.commit ?? "0123456789abcdef";
  if (file === undefined) {
    response.writeHead(404, { "x-error-code": "EntryNotFound" }).end("Entry not found");
  } else if (own?.large ?? /\.(safetensors|bin)$/.test(path)) {
    response
      .writeHead(302, {
        location: `${hub.cdn}${path}?signature=secret`,
        "x-repo-commit": commit,
        "x-linked-etag": `"${hashOf(file)}"`,
        "x-linked-size": String(file.byteLength),
      })
      .end();
  } else if (cached === path) {
    response.writeHead(307, { location: `/api/resolve-cache${path}`, "x-repo-commit": commit }).end();
  } else {
    const etag = `"${createHash("sha1").update(file).digest("hex")}"`;
    const headers = { etag, "content-length": file.byteLength, "x-repo-commit": commit };
    response.writeHead(200, headers).end(request.method === "HEAD" ? undefined : file);
  }
}

function sendFile(hub: Hub, request: IncomingMessage, response: ServerResponse, path: string): void {
  const file = committed(hub, path)?.bytes ?? hub.files.get(path);
  if (file === undefined) {
    response.writeHead(404).end();
    return;
  }
  const etag = `"${hashOf(file).slice(0, 16)}${hub.version}"`;
  const [, from] = (hub.ranges ? /^bytes=(\d+)-$/.exec(request.headers.range ?? "") : null) ?? [];
  const start = Number(from ?? 0);
  if (from !== undefined && start >= file.byteLength) {
    response.writeHead(416, { "content-range": `bytes */${file.byteLength}` }).end();
    return;
  }
  const body = file.subarray(start);
  const range = `bytes ${start}-${file.byteLength - 1}/${file.byteLength}`;
  response.writeHead(from === undefined ? 200 : 206, {
    etag,
    "content-type": "binary/octet-stream",
    "content-length": body.byteLength,
    ...(from === undefined ? {} : { "content-range": range }),
  });
  if (hub.cutAfter === undefined || body.byteLength <= hub.cutAfter) response.end(body);
  else response.write(body.subarray(0, hub.cutAfter), () => setTimeout(() => request.destroy(), 20));
}

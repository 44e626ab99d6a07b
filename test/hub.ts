// A server on this machine that behaves like the Hugging Face hub and its CDN, and misbehaves on request.
import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

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
  const trick = (server === "cdn" ? hub.tricks : hub.hubTricks).shift();
  if (trick?.(request, response)) return;
  if (server === "cdn") sendFile(hub, request, response, path);
  else answerAsHub(hub, request, response, path);
}

function answerAsHub(hub: Hub, request: IncomingMessage, response: ServerResponse, path: string): void {
  if (hub.token !== undefined && request.headers.authorization !== `Bearer ${hub.token}`) {
    response.writeHead(401, { "x-error-code": "RepoNotFound" }).end("Invalid username or password.");
    return;
  }
  const cached = path.replace(/^\/api\/resolve-cache/, "");
  const file = hub.files.get(cached);
  if (file === undefined) {
    response.writeHead(404, { "x-error-code": "EntryNotFound" }).end("Entry not found");
  } else if (/\.(safetensors|bin)$/.test(path)) {
    response
      .writeHead(302, {
        location: `${hub.cdn}${path}?signature=secret`,
        "x-repo-commit": "0123456789abcdef",
        "x-linked-etag": `"${hashOf(file)}"`,
        "x-linked-size": String(file.byteLength),
      })
      .end();
  } else if (cached === path) {
    response
      .writeHead(307, { location: `/api/resolve-cache${path}`, "x-repo-commit": "0123456789abcdef" })
      .end();
  } else {
    const etag = `"${createHash("sha1").update(file).digest("hex")}"`;
    response.writeHead(200, { etag, "content-length": file.byteLength }).end(file);
  }
}

function sendFile(hub: Hub, request: IncomingMessage, response: ServerResponse, path: string): void {
  const file = hub.files.get(path);
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

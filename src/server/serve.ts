// The server on a port of this machine.
// Invariants: the loopback address unless another is asked for; a port that is taken gives way to the next free one, which is reported;
// who sends slowly or nothing is cut off; closing ends what is under way.
import { createServer, type Server } from "node:http";
import { createAdaptorServer } from "@hono/node-server";
import { AppError, hasErrno, unexpected } from "../core/errors.ts";
import { isFolder } from "../machine/files.ts";
import { truePath } from "../machine/true-path.ts";
import { createApp } from "./app.ts";
import { makeToken } from "./guard.ts";
import { type PageFiles, readPage } from "./page.ts";

/** How the server is started. */
export interface ServeOptions {
  readonly roots: readonly string[];
  /** Folder of HaGRID's frames, to be shown beside what was cut from them. */
  readonly hagrid?: string | undefined;
  readonly version: string;
  /** First port that is tried; 0 for any. Default 4173. */
  readonly port?: number | undefined;
  /** Address of this machine; default 127.0.0.1. */
  readonly host?: string | undefined;
  /** Whoever has not sent a whole request after this is cut off, ms. Default 15,000. */
  readonly requestMs?: number | undefined;
  readonly log?: ((line: string) => void) | undefined;
}

/** A server that answers. */
export interface Served {
  /** With the token: to be opened once. */
  readonly url: string;
  readonly port: number;
  close(): Promise<void>;
}

/** First port that is tried. */
export const SERVE_PORT = 4173;
/** Ports that are tried after the first. */
const FURTHER = 50;
/** A request must be complete after this, ms; checked this often, since Node by default checks every half minute. */
const REQUEST_MS = 15_000;
const CHECK_MS = 1000;

/**
 * Serves the page's files.
 *
 * @throws AppError("input", "SERVE_FOLDER" | "PORT") for a root that is no folder, or without a free port
 * @example const { url, close } = await serve({ roots: ["data"], version: "1.0.0" })
 */
export async function serve({
  roots,
  hagrid,
  version,
  port = SERVE_PORT,
  host = "127.0.0.1",
  requestMs = REQUEST_MS,
  log,
}: ServeOptions): Promise<Served> {
  for (const root of hagrid === undefined ? roots : [...roots, hagrid]) {
    if (await isFolder(root)) continue;
    throw unexpected("input", {
      code: "SERVE_FOLDER",
      expected: "a folder",
      name: "what is served",
      got: root,
    });
  }
  const real = roots.map(truePath);
  const token = makeToken();
  const page = await readPage();
  const last = port === 0 ? 0 : port + FURTHER;
  for (let tried = port; tried <= last; tried++) {
    const base = { roots: real, hagrid, version, token, page, log, requestMs };
    const server = await listen(base, tried, host);
    if (server === undefined) continue;
    const taken = portOf(server);
    const name = host.includes(":") ? `[${host}]` : host;
    return { url: `http://${name}:${taken}/?token=${token}`, port: taken, close: () => close(server) };
  }
  const expected = `a free port from ${port} to ${last}`;
  throw unexpected("input", { code: "PORT", expected, name: "--port", got: "none" });
}

type Base = Pick<ServeOptions, "roots" | "hagrid" | "version" | "log"> & {
  readonly token: string;
  readonly page: PageFiles;
  readonly requestMs: number;
};

/** Undefined if the port is taken. */
async function listen(base: Base, port: number, host: string): Promise<Server | undefined> {
  let app: ReturnType<typeof createApp> | undefined;
  const server = createAdaptorServer({
    fetch: (request, env) => app!.fetch(request, env),
    createServer,
    // What is left of a body that was refused is read and dropped: cut off, the sender would not learn why.
    autoCleanupIncoming: false,
    serverOptions: {
      requestTimeout: base.requestMs,
      headersTimeout: base.requestMs,
      connectionsCheckingInterval: Math.min(CHECK_MS, base.requestMs),
      maxHeaderSize: 16 * 1024,
    },
  }) as Server;
  try {
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(port, host, resolve);
    });
  } catch (error) {
    if (hasErrno(error, "EADDRINUSE")) return undefined;
    const hint = "give another --port, or an address of this machine as --host";
    throw new AppError("input", "PORT", `Expected to listen on ${host}:${port}, got ${String(error)}`, {
      hint,
      cause: error,
    });
  }
  const taken = portOf(server);
  const names = [
    ...new Set([
      host.includes(":") ? `[${host}]` : host,
      ...(isLoopback(host) ? ["localhost", "127.0.0.1"] : []),
    ]),
  ];
  app = createApp({ ...base, port: taken, hosts: names.map((name) => `${name}:${taken}`) });
  return server;
}

/** True for an address that only this machine reaches. */
export const isLoopback = (host: string): boolean =>
  host === "127.0.0.1" || host === "::1" || host === "localhost";

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("a server without a port");
  return address.port;
}

async function close(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeAllConnections();
  await closed;
}

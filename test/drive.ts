// A server on this machine that behaves like Google Drive, and one like a plain file server; both misbehave on request.
// Source of the pages: gdown's parser and test data, yt-dlp's parser: form#download-form, p.uc-error-subcaption,
// embeddedfolderview. Drive warns of files that it has not scanned, and hands those out for a cookie and a uuid only.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { hashOf, type Trick } from "./hub.ts";

/** One request, as it came. */
export interface Asked {
  readonly server: "drive" | "content" | "plain";
  readonly path: string;
  readonly query: string;
  readonly range: string | undefined;
  readonly agent: string;
}

/** A shared file; `name` is what its owner called it. */
export interface SharedFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** A folder's entries by id, folders among them by their own id. */
export type SharedFolder = readonly {
  readonly id: string;
  readonly name: string;
  readonly folder?: boolean;
}[];

export interface FakeDrive {
  /** Of Drive itself: pages. */
  readonly endpoint: string;
  /** Of the plain server, where `plain` is by path. */
  readonly origin: string;
  readonly asked: Asked[];
  readonly files: Map<string, SharedFile>;
  readonly folders: Map<string, SharedFolder>;
  /** The key without which a file or folder does not open, by id. */
  readonly keys: Map<string, string>;
  readonly plain: Map<string, Uint8Array>;
  /** Files of so many bytes and more are not scanned. */
  scanLimit: number;
  /** Bytes after which the next bodies are cut, one a request. */
  readonly cuts: number[];
  /** Bytes after which the next lists of folders are cut, with their connection, and without the last chunk. */
  readonly pageCuts: number[];
  /** Answers before a file's bytes do, one a request. */
  readonly tricks: Trick[];
  /** The page's message about a file, by id, in place of the file. */
  readonly refusals: Map<
    string,
    { readonly title?: string; readonly text: string; readonly status?: number }
  >;
  /** Headers that name the version of every file; changed by tests. */
  version: { etag?: string; lastModified?: string };
  ranges: boolean;
  /** Longer bodies stop after so many bytes, and the connection stays open. */
  stall: number | undefined;
  close(): Promise<void>;
}

/** Starts the three servers. */
export async function startDrive(): Promise<FakeDrive> {
  const servers: Server[] = [];
  const listen = async (answer: (request: IncomingMessage, response: ServerResponse) => void) => {
    const server = createServer(answer);
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  };
  const note = (server: Asked["server"], request: IncomingMessage) => {
    const url = new URL(request.url!, "http://x");
    const { range, "user-agent": agent = "" } = request.headers;
    drive.asked.push({ server, path: url.pathname, query: url.search, range, agent });
    return url;
  };
  const content = await listen((request, response) => {
    answerContent(drive, content, note("content", request), request, response);
  });
  const endpoint = await listen((request, response) => {
    answerDrive(drive, content, note("drive", request), response);
  });
  const origin = await listen((request, response) => {
    const { pathname } = note("plain", request);
    const bytes = drive.plain.get(decodeURIComponent(pathname));
    if (bytes === undefined) response.writeHead(404).end("not found");
    else sendBytes(drive, bytes, {}, request, response);
  });
  const drive: FakeDrive = {
    ...{
      endpoint,
      origin,
      asked: [],
      cuts: [],
      pageCuts: [],
      tricks: [],
      scanLimit: 1000,
      ranges: true,
      stall: undefined,
    },
    ...{ files: new Map(), folders: new Map(), plain: new Map(), keys: new Map(), refusals: new Map() },
    version: { lastModified: "Tue, 02 Sep 2025 10:00:00 GMT" },
    async close() {
      for (const server of servers) {
        server.closeAllConnections();
        await new Promise((resolve) => server.close(resolve));
      }
    },
  };
  return drive;
}

const page = (response: ServerResponse, status: number, html: string, headers: Record<string, string> = {}) =>
  response.writeHead(status, { "content-type": "text/html; charset=utf-8", ...headers }).end(html);

function listed(response: ServerResponse, html: string, cut: number | undefined): void {
  if (cut === undefined) page(response, 200, html);
  else {
    response.writeHead(200, { "content-type": "text/html; charset=utf-8", connection: "close" });
    response.write(html.slice(0, cut), () => response.socket?.end());
  }
}

const escaped = (text: string) =>
  text.replace(/[&<>"]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[c]!);

/** Drive's own host: sends on to the host of contents, and lists folders. */
function answerDrive(drive: FakeDrive, content: string, url: URL, response: ServerResponse): void {
  const id = url.searchParams.get("id") ?? "";
  const key = drive.keys.get(id);
  if (key !== undefined && url.searchParams.get("resourcekey") !== key) {
    page(response, 403, "<title>You need access</title><p>You need access.</p>");
  } else if (url.pathname === "/embeddedfolderview") {
    const entries = drive.folders.get(id);
    if (entries === undefined)
      page(response, 404, "<title>Error 404 (Not Found)!!1</title><p>Not found.</p>");
    else listed(response, folderPage(id, entries, drive.keys), drive.pageCuts.shift());
  } else if (url.pathname === "/uc") {
    const more = key === undefined ? "" : `&resourcekey=${key}`;
    response.writeHead(303, { location: `${content}/download?id=${id}&export=download${more}` }).end();
  } else response.writeHead(404).end();
}

function folderPage(id: string, entries: SharedFolder, keys: ReadonlyMap<string, string>): string {
  const rows = entries.map(({ id: each, name, folder }) => {
    const href =
      folder === true
        ? `https://drive.google.com/drive/folders/${each}${keys.has(each) ? `?resourcekey=${keys.get(each)}` : ""}`
        : `https://drive.google.com/file/d/${each}/view?usp=drive_web${keys.has(each) ? `&amp;resourcekey=${keys.get(each)}` : ""}`;
    return `<div class="flip-entry" id="entry-${each}"><div class="flip-entry-info"><a href="${href}" target="_blank">
<div class="flip-entry-visual"><img src="https://drive-thirdparty.googleusercontent.com/x" alt=""/></div>
<div class="flip-entry-title">${escaped(name)}</div></a></div><div class="flip-entry-last-modified"><div>9/2/25</div></div></div>`;
  });
  return `<!DOCTYPE html><html><head><title>${id}</title></head><body><div class="flip-entries">${rows.join("")}
<a href="https://docs.google.com/document/d/1notafilebutagoogledocument0/edit">A document</a></div></body></html>`;
}

const COOKIE = "NID=once; path=/; HttpOnly";

/** The host of contents: a file, a warning with a form, or why not. */
function answerContent(
  drive: FakeDrive,
  content: string,
  url: URL,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const id = url.searchParams.get("id") ?? "";
  const refusal = drive.refusals.get(id);
  const file = drive.files.get(id);
  const key = drive.keys.get(id);
  if (key !== undefined && url.searchParams.get("resourcekey") !== key) {
    page(response, 403, "<title>You need access</title><p>You need access.</p>");
  } else if (refusal !== undefined) {
    const { title = "Google Drive - Quota exceeded", text, status = 200 } = refusal;
    const why = `<p class="uc-error-caption">Sorry, you can't view or download this file at this time.</p>
<p class="uc-error-subcaption">${text}</p>`;
    page(
      response,
      status,
      `<!DOCTYPE html><html><head><title>${title}</title></head><body>${text === "" ? "" : why}</body></html>`,
    );
  } else if (file === undefined)
    page(response, 404, "<html><head><title>Error 404 (Not Found)!!1</title></head></html>");
  else if (file.bytes.byteLength >= drive.scanLimit && !confirmed(url, request)) {
    page(response, 200, warning(content, id, file), { "set-cookie": COOKIE });
  } else {
    const name = `attachment; filename="file"; filename*=UTF-8''${encodeURIComponent(file.name)}`;
    sendBytes(drive, file.bytes, { "content-disposition": name }, request, response);
  }
}

const confirmed = (url: URL, request: IncomingMessage) =>
  url.searchParams.get("confirm") === "t" &&
  url.searchParams.get("uuid") === "0-1-2" &&
  /\bNID=once\b/.test(request.headers.cookie ?? "");

function warning(content: string, id: string, { name, bytes }: SharedFile): string {
  const fields = { id, export: "download", confirm: "t", uuid: "0-1-2" };
  const inputs = Object.entries(fields).map(
    ([key, value]) => `<input type="hidden" name="${key}" value="${value}">`,
  );
  return `<!DOCTYPE html><html><head><title>Google Drive - Virus scan warning</title></head><body>
<p class="uc-warning-caption">Google Drive can't scan this file for viruses.</p>
<p class="uc-warning-subcaption"><span class="uc-name-size"><a href="/open?id=${id}">${escaped(name)}</a> (${bytes.byteLength})</span> is too large.</p>
<form id="download-form" action="${content}/download" method="get"><input type="submit" id="uc-download-link" value="Download anyway"/>${inputs.join("")}</form></body></html>`;
}

/** A file's bytes, from where they are asked for, cut where the test asks for it. */
function sendBytes(
  drive: FakeDrive,
  bytes: Uint8Array,
  headers: Record<string, string>,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  if (drive.tricks.shift()?.(request, response)) return;
  const [, from] = (drive.ranges ? /^bytes=(\d+)-$/.exec(request.headers.range ?? "") : null) ?? [];
  const start = Number(from ?? 0);
  if (from !== undefined && start >= bytes.byteLength) {
    response.writeHead(416, { "content-range": `bytes */${bytes.byteLength}` }).end();
    return;
  }
  const body = bytes.subarray(start);
  const { etag, lastModified } = drive.version;
  response.writeHead(from === undefined ? 200 : 206, {
    "content-type": "application/octet-stream",
    "content-length": body.byteLength,
    ...(etag === undefined ? {} : { etag: `"${etag}-${hashOf(bytes).slice(0, 16)}"` }),
    ...(lastModified === undefined ? {} : { "last-modified": lastModified }),
    ...(from === undefined
      ? {}
      : { "content-range": `bytes ${start}-${bytes.byteLength - 1}/${bytes.byteLength}` }),
    ...headers,
  });
  const { stall = Number.POSITIVE_INFINITY } = drive;
  const cut = drive.cuts.shift();
  if (body.byteLength > stall) {
    response.write(body.subarray(0, stall));
    return;
  }
  if (cut === undefined || cut >= body.byteLength) response.end(body);
  else response.write(body.subarray(0, cut), () => setTimeout(() => request.destroy(), 5));
}

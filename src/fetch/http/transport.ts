// One request and its answer, over Node's own http and https.
// Source: RFC 9112 (how a body ends); Node's documentation of `complete`. Node's `fetch` is not taken: it takes a chunked
// body that breaks off for whole where the connection was to be closed (docs/decisions).
// Invariants: every exchange ends, whatever the server does; no connection is used twice, so that what a server sends
// behind one answer is never read as the next; certificates are checked; a proxy is what Node's own settings name.
import http, { type ClientRequest, type IncomingMessage } from "node:http";
import https from "node:https";
import { AppError, unexpected } from "../../core/errors.ts";
import { showUrl } from "./address.ts";
import { type Body, cut, openBody, why } from "./body.ts";
import { type Patience, patienceOf } from "./patience.ts";
import { stopped, Transient } from "./retry.ts";

/** What is sent with a request: its bytes anew at each attempt. */
export interface Outgoing {
  readonly sizeBytes: number;
  chunks(): AsyncIterable<Uint8Array>;
}

/** What is asked. */
export interface Call {
  readonly method: "GET" | "HEAD" | "POST" | "PUT";
  readonly headers: Headers;
  readonly body?: Outgoing | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly patience: Patience;
}

/** What came; `cancel` it where its body is not read to its end. */
export interface Answer extends Pick<Body, "chunks" | "cancel"> {
  readonly url: URL;
  readonly status: number;
  /** `404 Not Found`. */
  readonly line: string;
  readonly headers: Headers;
  /** Bytes of the body as announced; undefined if nothing was. */
  readonly length: number | undefined;
  /** False if the body ends where the connection does, so that a cut cannot be distinguished from its end. */
  readonly bounded: boolean;
}

const MOST_HEADER_BYTES = 64 << 10;
const CHECK = "check the connection and the address, then run the same command again";
/** No other attempt mends these. */
const LASTING =
  /^(ENOTFOUND|EACCES|EPERM|EINVAL|EADDRNOTAVAIL|EPROTO|ERR_(SSL|TLS|INVALID|UNESCAPED|HTTP)_.*|HPE_(?!INVALID_EOF_STATE|CLOSED_CONNECTION).*)$/;
/** OpenSSL's words for a certificate that is not accepted, and Node's. */
const CERTIFICATE =
  /^(CERT_.*|CRL_.*|.*_CERT(_.*)?|UNABLE_TO_.*|ERROR_IN_C.*|ERR_TLS_CERT_.*|HOSTNAME_MISMATCH|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH_EXCEEDED)$/;

/**
 * Asks once.
 *
 * @returns the answer as soon as its headers are there; its body comes as it is read
 * @throws Transient for a connection that fails or falls silent, AppError("remote", "REMOTE_UNREACHABLE" |
 *   "REMOTE_CERTIFICATE" | "REMOTE_HTTP" | "REMOTE_ENCODING") for what another attempt does not mend; Interrupted
 */
export function exchange(url: URL, call: Call): Promise<Answer> {
  const { signal, patience } = call;
  const { idleMs, clock } = patienceOf(patience);
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(stopped(signal));
    const request = open(url, call);
    let body: Body | undefined;
    const fail = (error: Error) => {
      body?.fail(error);
      reject(error);
      request.destroy();
    };
    const onAbort = () => fail(stopped(signal!));
    const wait = () => clock.after(idleMs, () => fail(silent(url, idleMs)));
    let stopIdle = wait();
    signal?.addEventListener("abort", onAbort);
    request.on("response", (message) => {
      stopIdle();
      body = openBody(url, message, patience);
      try {
        resolve(answerOf(url, message, body));
      } catch (error) {
        fail(error as Error);
      }
    });
    request.on("error", (cause) =>
      fail(body === undefined ? unreachable(url, cause) : cut(url, why(cause), cause)),
    );
    request.on("close", () => {
      stopIdle();
      signal?.removeEventListener("abort", onAbort);
      reject(unreachable(url, new Error("a connection that was closed without an answer")));
    });
    const moved = () => {
      stopIdle();
      if (body === undefined) stopIdle = wait();
    };
    write(request, call.body, () => body !== undefined, moved).catch(fail);
  });
}

/** Sends a body as fast as it is taken; no further once an answer has come. */
async function write(
  request: ClientRequest,
  body: Outgoing | undefined,
  answered: () => boolean,
  moved: () => void,
): Promise<void> {
  for await (const chunk of body?.chunks() ?? []) {
    if (answered() || request.destroyed) return;
    if (!request.write(chunk)) await taken(request);
    moved();
  }
  request.end();
}

/** Until more may be written, or the connection is gone. */
function taken(request: ClientRequest): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      for (const event of ENDS) request.off(event, done);
      resolve();
    };
    for (const event of ENDS) request.on(event, done);
  });
}

const ENDS = ["drain", "close", "response"] as const;

function open(url: URL, { method, headers, body }: Call): ClientRequest {
  const named = {
    accept: "*/*",
    "user-agent": "facehand",
    ...Object.fromEntries(headers),
    ...(body === undefined ? {} : { "content-length": String(body.sizeBytes) }),
    connection: "close",
  };
  const send = url.protocol === "https:" ? https.request : http.request;
  try {
    const request = send(url, { method, headers: named, maxHeaderSize: MOST_HEADER_BYTES });
    request.shouldKeepAlive = false; // the header alone lets Node's agent keep the connection
    return request;
  } catch (cause) {
    throw unreachable(url, cause);
  }
}

function answerOf(url: URL, message: IncomingMessage, body: Body): Answer {
  const headers = new Headers();
  const { rawHeaders: raw } = message;
  for (let i = 0; i < raw.length; i += 2) headers.append(raw[i]!, raw[i + 1]!);
  const coding = headers.get("transfer-encoding");
  if (coding !== null && !/^chunked$/i.test(coding.trim())) {
    const expected = "no transfer coding but chunked";
    throw unexpected("remote", { code: "REMOTE_ENCODING", expected, name: showUrl(url), got: coding });
  }
  const length = lengthOf(headers.get("content-length"));
  return {
    ...{
      url,
      headers,
      length,
      status: message.statusCode!,
      bounded: coding !== null || length !== undefined,
    },
    line: `${message.statusCode} ${message.statusMessage}`.trim(),
    ...{ chunks: body.chunks, cancel: body.cancel },
  };
}

/** A number of bytes in a header; undefined for anything that is none, or more than any disk holds. */
export function lengthOf(text: string | null): number | undefined {
  const bytes = text !== null && /^\d{1,16}$/.test(text.trim()) ? Number(text) : undefined;
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

function silent({ host }: URL, idleMs: number): Transient {
  const message = `Expected an answer of ${host}, got none for ${idleMs / 1000} s`;
  return new Transient(new AppError("remote", "REMOTE_UNREACHABLE", message, { hint: CHECK }));
}

/** What a failed connection means, and whether another attempt could mend it. */
function unreachable({ host }: URL, cause: unknown): AppError | Transient {
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
  const say = (name: string, hint: string) =>
    new AppError("remote", name, `Expected an answer of ${host}, got ${why(cause)}`, { hint, cause });
  if (CERTIFICATE.test(code)) {
    const hint =
      "check this machine's clock and the address; where a proxy has its own certificates, name them by NODE_EXTRA_CA_CERTS=FILE";
    return say("REMOTE_CERTIFICATE", hint);
  }
  if (code.startsWith("HPE_") && LASTING.test(code)) {
    return say("REMOTE_HTTP", "open the address in a browser to see what answers there");
  }
  const final = say("REMOTE_UNREACHABLE", CHECK);
  return LASTING.test(code) ? final : new Transient(final);
}

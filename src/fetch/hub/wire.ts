// `fetch` as @huggingface/hub calls it, over this package's own requests: attempts, patience, certificates and proxies are
// the same as for downloads, and every fault has its words.
// Invariants: the library never has the token, only a stand-in, in whose place the token goes into requests to the hub itself,
// and nothing into those to any other host; a body is sent to the address that was given, or nowhere.
import type { AppError } from "../../core/errors.ts";
import { request, wholePage } from "../http/http.ts";
import { retrying } from "../http/retry.ts";
import type { Answer, Outgoing } from "../http/transport.ts";
import { type HubAccess, patienceFor, tokenOf } from "./access.ts";
import { type Asked, hubRefusal } from "./refusals.ts";

/** What the library is given in place of the token; it wants one that begins so. */
export const STAND_IN = "hf_stand_in";

/** Whose requests these are. */
export interface Wire extends HubAccess {
  readonly endpoint: string;
  /** The repository, as it is named here. */
  readonly what: string;
  readonly writes: boolean;
  /** Bytes of one body that have been sent, by a key of its own; less than before where it begins again. */
  readonly onSent?: ((key: string, bytes: number) => void) | undefined;
}

/** A commit of many files takes the hub longer than a download waits for a server, ms. */
const ANSWER_MS = 300_000;

/**
 * A `fetch` for the library.
 *
 * @throws (its promise) AppError("remote", ...) as hubRefusal and request, Interrupted after the signal
 */
export function hubFetch(wire: Wire): typeof fetch {
  const token = tokenOf(wire);
  const asked: Asked = { what: wire.what, writes: wire.writes, token };
  return async (input, init = {}) => {
    const url = new URL(input instanceof Request ? input.url : input);
    const headers = ownHeaders(url, new Headers(init.headers), wire, token);
    const body = outgoing(url, init.body, wire);
    const signals = [wire.signal, init.signal].filter((one) => one != null);
    const signal = signals.length === 0 ? undefined : AbortSignal.any(signals);
    const method = (init.method ?? "GET") as "GET" | "POST" | "PUT";
    const idleMs = method === "POST" ? Math.max(wire.idleMs ?? 0, ANSWER_MS) : wire.idleMs;
    const options = { ...patienceFor(wire), signal, idleMs };
    const refusal = (answer: Answer): Promise<AppError> => hubRefusal(answer, asked);
    return await retrying(async () => {
      const call = { ...options, method, headers: Object.fromEntries(headers), body, refusal };
      const answer = await request(url, call);
      const { status, headers: answered } = answer;
      if (status !== 204) return new Response(await wholePage(answer), { status, headers: answered });
      answer.cancel();
      return new Response(null, { status, headers: answered });
    }, options);
  };
}

function ownHeaders(url: URL, headers: Headers, { endpoint }: Wire, token: string | undefined): Headers {
  if (headers.get("authorization") !== `Bearer ${STAND_IN}`) return headers;
  if (token === undefined || url.origin !== new URL(endpoint).origin) headers.delete("authorization");
  else headers.set("authorization", `Bearer ${token}`);
  return headers;
}

/** What the library sends is text, or a file of the disk as a Blob. */
function outgoing(url: URL, body: BodyInit | null | undefined, { onSent }: Wire): Outgoing | undefined {
  if (body == null) return undefined;
  const blob = typeof body === "string" ? new Blob([body]) : body;
  if (!(blob instanceof Blob)) throw new TypeError("Expected a text or a Blob as the body");
  const key = typeof body === "string" ? undefined : url.origin + url.pathname + url.search;
  return {
    sizeBytes: blob.size,
    async *chunks() {
      let sent = 0;
      for await (const chunk of blob.stream()) {
        yield chunk;
        sent += chunk.byteLength;
        if (key !== undefined) onSent?.(key, sent);
      }
    },
  };
}

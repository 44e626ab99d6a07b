// Who may ask: the person to whom the address was printed, from the page that was served, on this machine.
// Source: RFC 6265bis (SameSite), OWASP on DNS rebinding and cross-site request forgery. Invariants: every answer passes through
// here; a request without the cookie learns nothing but that; the token is never in an address that the page shows or a log has.
import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import type { MiddlewareHandler } from "hono";
import { getCookie, setCookie } from "hono/cookie";
import { secureHeaders } from "hono/secure-headers";
import type { Refusal } from "./api.ts";

/** The cookie that has the token; of this server, since cookies of one host are shared by its ports. */
const cookieName = (port: number) => `facehand-${port}`;

/** How the server is reached. */
export interface Doors {
  readonly token: string;
  readonly port: number;
  /** Names by which it may be called, with its port: values of `Host`. */
  readonly hosts: readonly string[];
}

/** A new token, 256 bits. */
export const makeToken = (): string => randomBytes(32).toString("base64url");

/** Headers of every answer: nothing of other origins runs or is embedded, and threads of WebAssembly may share memory. */
export const pageHeaders = (): MiddlewareHandler =>
  secureHeaders({
    contentSecurityPolicy: {
      defaultSrc: ["'none'"],
      scriptSrc: ["'self'", "'wasm-unsafe-eval'"],
      styleSrc: ["'self'"],
      imgSrc: ["'self'", "blob:"],
      connectSrc: ["'self'"],
      workerSrc: ["'self'"],
      fontSrc: ["'self'"],
      baseUri: ["'none'"],
      formAction: ["'none'"],
      frameAncestors: ["'none'"],
    },
    crossOriginEmbedderPolicy: "require-corp",
    crossOriginOpenerPolicy: "same-origin",
    crossOriginResourcePolicy: "same-origin",
    referrerPolicy: "no-referrer",
    xFrameOptions: "DENY",
    strictTransportSecurity: false, // it is http, on this machine
  });

/** Refuses a name that is not ours (DNS rebinding), writes from elsewhere, and whoever was not given the address. */
export function guard({ token, port, hosts }: Doors): MiddlewareHandler {
  return async (context, next) => {
    const { req } = context;
    const refuse = (status: 400 | 401 | 403, code: string, message: string, hint?: string) =>
      context.json<Refusal>({ error: { code, message, hint } }, status);
    if (!hosts.includes(req.header("host") ?? ""))
      return refuse(400, "HOST", "Expected the address that the command printed, got another name");
    const writes = !["GET", "HEAD"].includes(req.method);
    const origin = req.header("origin");
    if ((writes || origin !== undefined) && !hosts.some((host) => origin === `http://${host}`))
      return refuse(403, "ORIGIN", "Expected a request of the page itself, got one of another");
    const url = new URL(req.url);
    const given = url.searchParams.get("token");
    if (given !== null && req.method === "GET" && url.pathname === "/" && isSame(given, token)) {
      setCookie(context, cookieName(port), token, { httpOnly: true, sameSite: "Strict", path: "/" });
      return context.redirect("/", 303);
    }
    if (!isSame(getCookie(context, cookieName(port)) ?? "", token)) {
      const hint = "open the address that `facehand serve` printed, with its token";
      return refuse(401, "TOKEN", "Expected the token of this server, got none or another", hint);
    }
    return await next();
  };
}

/** Takes a time that does not depend on where they differ. */
function isSame(a: string, b: string): boolean {
  const hash = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(hash(a), hash(b));
}

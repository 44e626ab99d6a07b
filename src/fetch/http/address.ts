// Addresses of files: which are taken, and how they are shown.
// Invariant: no address with a name or password in it is asked; a query, which may be signed, is never shown.
import { type AppError, unexpected } from "../../core/errors.ts";

/** A URL for messages: without user, query and fragment. */
export function showUrl(url: string | URL): string {
  const { protocol, host, pathname } = new URL(url);
  return `${protocol}//${host}${pathname}`;
}

/** True for what is meant as an address, well written or not. */
export const isWebAddress = (text: string) => /^\s*https?:\/\//i.test(text);

/**
 * An http(s) address without a name and password in it.
 *
 * @param name - what it is for, in messages
 * @param hint - how to give what a server asks for, in place of a name and password in the address
 * @throws AppError("input", "ADDRESS" | "ADDRESS_USER")
 */
export function addressOf(
  text: string | URL,
  name: string,
  hint = "download it by a program that keeps passwords (curl --netrc), then give the folder: --mirror FOLDER",
): URL {
  const url = typeof text !== "string" || URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    const expected = "an address that begins with https:// or http://";
    throw unexpected("input", { code: "ADDRESS", expected, name, got: String(text) });
  }
  if (url.username !== "" || url.password !== "") throw withUser(url, name, hint);
  return url;
}

function withUser(url: URL, name: string, hint: string): AppError {
  const expected =
    "an address without a name and password in it, which others can read in lists of processes,";
  return unexpected("input", { code: "ADDRESS_USER", expected, name, got: showUrl(url), hint });
}

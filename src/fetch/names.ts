// File names that others chose: in headers, pages and addresses.
// Invariant: what safeName returns is one part of a path, the same file on every system, and not one of this program's
// own names.

import { type AppError, unexpected } from "../core/errors.ts";
import { FileNames, pathTrouble } from "../core/file-names.ts";
import { addressOf, isWebAddress } from "./http/address.ts";
import { headerText } from "./http/http.ts";

/** `.part.json` and what a file is called while it is written stand behind a name. */
const LONGEST_BYTES = 200;

/**
 * A name that others chose as one file name: without folders and control characters.
 *
 * @throws AppError("remote", "REMOTE_NAME") for one that is not the same file everywhere, or is our own
 */
export function safeName(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is taken out
  const name = text.trim().replace(/[\u0000-\u001f\u007f-\u009f/\\:]/g, "_");
  const trouble = pathTrouble(name, LONGEST_BYTES);
  if (trouble === undefined) return name;
  const hint = "give it a name of your own by --name, or ask its owner to rename it";
  throw unexpected("remote", {
    code: "REMOTE_NAME",
    expected: trouble,
    name: "what is shared",
    got: text,
    hint,
  });
}

/**
 * What is wrong with a path that a list or a user gives, below the folder that files are fetched into.
 *
 * @returns undefined if nothing is
 */
export const fetchedPathTrouble = (path: string) => pathTrouble(path, LONGEST_BYTES);

/**
 * Refuses files that would lie outside a folder, over each other on some system, or over this program's own files there.
 *
 * @param paths - all that a fetch will leave, `/` between their parts
 * @throws AppError("remote", "REMOTE_NAME")
 */
export function checkPaths(paths: Iterable<string>): void {
  const names = new FileNames();
  for (const path of paths) {
    const trouble = fetchedPathTrouble(path);
    if (trouble !== undefined) throw badPath(trouble, path);
    const before = names.clash(path);
    if (before !== undefined)
      throw badPath(`names that every system keeps apart (there is ${before} before)`, path);
  }
}

function badPath(expected: string, got: string): AppError {
  const hint = "ask the publisher to rename it; other files can be fetched one by one";
  return unexpected("remote", { code: "REMOTE_NAME", expected, name: "a file to fetch", got, hint });
}

/** The name in Content-Disposition; in UTF-8 (`filename*`) if it is there. */
export function attachedName({ headers }: { readonly headers: Headers }): string | undefined {
  const text = headerText(headers.get("content-disposition") ?? "");
  const encoded = /filename\*=UTF-8''([^;]+)/i.exec(text)?.[1];
  if (encoded !== undefined) return decoded(encoded);
  return /filename="([^"]*)"/i.exec(text)?.[1] ?? /filename=([^;\s]+)/i.exec(text)?.[1];
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined; // a lone %, or no UTF-8
  }
}

/**
 * The last part of an address's path.
 *
 * @throws AppError("input", "LINK") if it is no http(s) address, or has no such part; ("input", "ADDRESS" |
 *   "ADDRESS_USER"), ("remote", "REMOTE_NAME")
 */
export function urlName(link: string): string {
  if (!isWebAddress(link)) {
    const expected =
      "a set's name, an http(s) address, a folder, hf:datasets/USER/NAME, drive:ID or drive-folder:ID";
    throw unexpected("input", { code: "LINK", expected, name: "what to fetch", got: link });
  }
  const url = addressOf(link, "what to fetch");
  const last = decoded(url.pathname.split("/").at(-1) ?? "") ?? "";
  if (last !== "") return safeName(last);
  const expected = "a name, which the address has not";
  throw unexpected("input", { code: "LINK", expected, name: "--name", got: link });
}

/**
 * A file name that the user gives.
 *
 * @throws AppError("input", "NAME")
 */
export function ownName(name: string): string {
  const trouble = fetchedPathTrouble(name);
  if (trouble === undefined) return name;
  throw unexpected("input", { code: "NAME", expected: trouble, name: "--name", got: name });
}

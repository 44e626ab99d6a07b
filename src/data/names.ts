// File names that others chose: in headers, pages and addresses.
// Invariant: what safeName returns is one part of a path, on any system that knows `/` and `\\`.
import { unexpected } from "../core/errors.ts";

/**
 * A name that others chose as one file name: without folders and control characters.
 *
 * @throws AppError("remote", "REMOTE_NAME") if nothing is left of it
 */
export function safeName(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is taken out
  const name = text.trim().replace(/[\u0000-\u001f\u007f/\\]/g, "_");
  if (name !== "" && !/^\.+$/.test(name) && Buffer.byteLength(name) <= 200) return name;
  throw unexpected("remote", {
    code: "REMOTE_NAME",
    expected: "a file name",
    name: "what is shared",
    got: text,
  });
}

/** The name in Content-Disposition; in UTF-8 (`filename*`) if it is there. */
export function attachedName({ headers }: Response): string | undefined {
  const text = headers.get("content-disposition") ?? "";
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
 * @throws AppError("input", "LINK") if it is no http(s) address, or has no such part
 */
export function urlName(link: string): string {
  const url = URL.canParse(link) ? new URL(link) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    const expected = "a set's name, an http(s) address, a folder, drive:ID or drive-folder:ID";
    throw unexpected("input", { code: "LINK", expected, name: "what to fetch", got: link });
  }
  const last = decoded(url.pathname.split("/").at(-1) ?? "") ?? "";
  if (last !== "") return safeName(last);
  throw unexpected("input", {
    code: "LINK",
    expected: "a name, which the address has not",
    name: "--name",
    got: link,
  });
}

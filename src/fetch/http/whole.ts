// What came as a whole, checked before it appears under its name: its length, its hash, and that it is no web page.
// Invariant: what fails a check is removed.
import { open, stat } from "node:fs/promises";
import { AppError, unexpected } from "../../core/errors.ts";
import { ALL_FORMATS, withCause } from "../../core/sniff.ts";
import { sha256File } from "../../machine/files.ts";
import { causeIn } from "../../machine/sniff-file.ts";
import { discard, type Partial } from "./partial.ts";

/** What is known of a file before it comes. */
export interface Wanted {
  /** Hex SHA-256 that the file must have. */
  readonly sha256?: string | undefined;
  readonly sizeBytes?: number | undefined;
}

const HTML = /^(\xef\xbb\xbf)?\s*(<!--[\s\S]*?-->\s*)*<(!doctype\s+html|html|head|body|title|meta|script)\b/i;
const HEAD_BYTES = 256;

/** True if bytes begin as a web page does. */
export const isHtml = (bytes: Uint8Array) =>
  HTML.test(new TextDecoder("latin1").decode(bytes.subarray(0, HEAD_BYTES)));

/** A web page in place of a file. */
export function htmlPage(from: string): AppError {
  return new AppError("remote", "REMOTE_HTML", `Expected a file at ${from}, got a web page`, {
    hint: "open the address in a browser to see what the server wants, e.g. a login",
  });
}

/**
 * Refuses a file of another size than it must have; null if it is not known.
 *
 * @throws AppError("remote", "REMOTE_LENGTH")
 */
export function checkLength(got: number | null, wanted: number | undefined, from: string): void {
  if (got === null || wanted === undefined || got === wanted) return;
  const expected = `${wanted} bytes`;
  throw unexpected("remote", { code: "REMOTE_LENGTH", expected, name: from, got: `${got} bytes` });
}

/**
 * Judges the whole part; a wrong one is thrown away, for continuing it would not mend it.
 *
 * @param from - where it came from, for messages
 * @returns hex SHA-256
 * @throws AppError("remote", "REMOTE_HTML" | "REMOTE_LENGTH" | "REMOTE_CHECKSUM")
 */
export async function checkWhole(
  part: Partial,
  from: string,
  { sha256: wanted, sizeBytes }: Wanted,
): Promise<string> {
  try {
    if (isHtml(await beginning(part))) throw htmlPage(from);
    checkLength((await stat(part.path)).size, sizeBytes, from);
    const found = await sha256File(part.path);
    if (wanted === undefined || wanted.toLowerCase() === found) return found;
    const hint =
      "run the same command again: what came was removed; if it stays so, ask the publisher which of both is right";
    const expected = `SHA-256 ${wanted}`;
    throw unexpected("remote", { code: "REMOTE_CHECKSUM", expected, name: from, got: found, hint });
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    const cause = causeIn(part.path, ALL_FORMATS);
    await discard(part);
    throw withCause(error, cause, "the published file", from);
  }
}

/** The first bytes of the part: a page may have come in pieces too small to recognise. */
async function beginning({ path }: Partial): Promise<Uint8Array> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(new Uint8Array(HEAD_BYTES), 0, HEAD_BYTES, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

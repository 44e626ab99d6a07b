// ◇ Browser-safe. Hashes of models, weights and pictures where machine/files cannot be: by the code of the browser, or of Node, itself.
import { unexpected } from "../core/errors.ts";

/**
 * SHA-256 of bytes, or of text in UTF-8.
 *
 * @returns 64 hexadecimal digits
 * @throws AppError("input", "INSECURE_CONTEXT") in a page of an address for which browsers hash nothing
 * @example await sha256Hex("abc") // "ba7816bf..."
 */
export async function sha256Hex(data: Uint8Array | string): Promise<string> {
  const subtle = globalThis.crypto?.subtle as SubtleCrypto | undefined;
  if (subtle === undefined) {
    throw unexpected("input", {
      code: "INSECURE_CONTEXT",
      expected: "a page from https or from this machine, where browsers hash files",
      name: "the page's address",
      got: "another one",
      hint: "open the page by https or from 127.0.0.1, where `facehand serve` listens",
    });
  }
  const bytes = typeof data === "string" ? new TextEncoder().encode(data) : data;
  const digest = new Uint8Array(await subtle.digest("SHA-256", bytes as Uint8Array<ArrayBuffer>));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

// A file whose size and SHA-256 are known as it is written, so that it is not read again for them; or of which nothing but
// these is wanted.
import { createHash } from "node:crypto";
import { type AtomicFile, openAtomic } from "../../machine/files.ts";

/** As an AtomicFile of bytes, which also states what was written. */
export interface HashedFile extends Pick<AtomicFile, "commit" | "discard"> {
  write(data: Uint8Array): Promise<void>;
  /** Of all that was written; once, at the end. */
  result(): { readonly sizeBytes: number; readonly sha256: string };
}

/**
 * Opens a file that is hashed on its way.
 *
 * @param path - undefined to write nothing
 * @throws as openAtomic
 * @example const file = await openHashed(undefined); await file.write(bytes); file.result().sha256
 */
export async function openHashed(path: string | undefined): Promise<HashedFile> {
  const file = path === undefined ? undefined : await openAtomic(path);
  const digest = createHash("sha256");
  let sizeBytes = 0;
  return {
    async write(data) {
      digest.update(data);
      sizeBytes += data.byteLength;
      await file?.write(data);
    },
    commit: async () => file?.commit(),
    discard: async () => file?.discard(),
    result: () => ({ sizeBytes, sha256: digest.digest("hex") }),
  };
}

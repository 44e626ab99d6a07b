// The service worker of a model's own page: its code (web/service-worker.ts, built), behind the list of the files that the release has.
// Invariant: another file, or another content of one, is another release.
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { sha256, sha256File } from "../machine/files.ts";
import type { Release, ReleaseFile } from "./api.ts";
import { PAGE_DIR, SERVICE_WORKER } from "./page.ts";

/** What has its content's hash in its address: the build's files, and those of a thing that is named by its checkpoint. */
const FIXED = /^(assets|api\/things)\//;

/**
 * The text of the service worker.
 *
 * @param files - by address below the page's folder, in the order in which they are stored; `index.html` is the page
 * @param headers - of cross-origin isolation
 */
export async function serviceWorker(
  files: ReadonlyMap<string, string>,
  headers: Release["headers"],
): Promise<string> {
  const listed: Record<string, ReleaseFile> = {};
  for (const [address, path] of files) {
    const hash = Buffer.from(await sha256File(path), "hex").toString("base64");
    const { size: bytes } = await stat(path);
    listed[address === "index.html" ? "" : address] = { sha256: hash, bytes, fixed: FIXED.test(address) };
  }
  const release: Release = { id: sha256(JSON.stringify(listed)).slice(0, 24), headers, files: listed };
  const code = await readFile(join(PAGE_DIR, SERVICE_WORKER), "utf8");
  return `self.release = ${JSON.stringify(release)};\n${code}`;
}

// The built page: its files by address, as they lay there when the server started.
// Invariants: nothing of an address is joined to a folder; what is no file of the build is not found.
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Hono } from "hono";
import { AppError } from "../core/errors.ts";
import { sendFile } from "./ranges.ts";

/** Where the build puts it: beside the rooms of dist/. */
export const PAGE_DIR: string = fileURLToPath(new URL("../web", import.meta.url));

/** The page itself; of other HTML files nothing is shown as a page. */
const INDEX = "index.html";

/** Of a page that is a release by itself (offline.ts): it is no file of those that are served. */
export const SERVICE_WORKER = "service-worker.js";

/** Files of the page, by their address. */
export type PageFiles = ReadonlyMap<string, string>;

/**
 * Finds what the built page consists of.
 *
 * @throws AppError("internal", "PAGE_MISSING") if it was not built
 */
export async function readPage(dir: string = PAGE_DIR): Promise<PageFiles> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true }).catch(() => []);
  const files = new Map<string, string>();
  for (const entry of entries) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    if (path === join(dir, SERVICE_WORKER)) continue;
    files.set(path.slice(dir.length).replaceAll("\\", "/"), path);
  }
  const index = files.get(`/${INDEX}`);
  if (index === undefined)
    throw new AppError("internal", "PAGE_MISSING", `Expected the built page in ${dir}, got none`, {
      hint: "build it: node scripts/ensure.mjs",
    });
  return files.set("/", index);
}

/** Answers for the page's files. */
export function servePage(app: Hono, files: PageFiles): void {
  for (const [address, path] of files) {
    const type = path.endsWith(INDEX) ? "text/html; charset=utf-8" : undefined;
    // The build names these by their content: another content has another address.
    const kept = address.startsWith("/assets/");
    app.get(address, ({ req }) => sendFile(path, req.raw, { type, kept }));
  }
}

// HaGRID's frames by gesture and name, where `--hagrid` gives them: for the page that shows what a pair was cut from.
// Invariants: as everywhere here, nothing of a request is joined to a folder: a gesture and a name are looked up among those that
// were found; links are not followed, neither of folders nor of frames.
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { Hono } from "hono";
import { AppError } from "../core/errors.ts";
import { HAGRID_GESTURES } from "../core/vocabulary.ts";
import { truePath } from "../machine/true-path.ts";
import { sendFile } from "./ranges.ts";

/** How deep folders of gestures are searched for. */
const DEPTH = 3;
/** Frames that were added since are found after this, ms. */
const ANEW_MS = 5000;

/** Frames of a tree, by gesture and name. */
export interface Frames {
  /** Place of a frame; undefined if there is none. */
  find(gesture: string, name: string): Promise<string | undefined>;
}

/** Names of a folder, and when they were read. */
interface Listed {
  readonly at: number;
  readonly names: ReadonlyMap<string, string>;
}

/** Frames of a tree, which is searched when one is first asked for. */
export function openFrames(root: string): Frames {
  const real = truePath(root);
  let folders: Promise<ReadonlyMap<string, readonly string[]>> | undefined;
  const listed = new Map<string, Promise<Listed>>();
  const namesOf = async (folder: string, anew: boolean) => {
    const known = await listed.get(folder);
    if (known !== undefined && !(anew && performance.now() - known.at > ANEW_MS)) return known.names;
    const next = listNames(folder);
    listed.set(folder, next);
    return (await next).names;
  };
  return {
    async find(gesture, name) {
      folders ??= findFolders(real);
      for (const anew of [false, true])
        for (const folder of (await folders).get(gesture) ?? []) {
          const place = (await namesOf(folder, anew)).get(name);
          if (place !== undefined) return place;
        }
      return undefined;
    },
  };
}

async function findFolders(root: string): Promise<ReadonlyMap<string, readonly string[]>> {
  const found = new Map<string, string[]>();
  const visit = async (dir: string, depth: number): Promise<void> => {
    const entries = await readdir(dir, { withFileTypes: true }).catch(() => []);
    for (const entry of entries) {
      if (!entry.isDirectory() || entry.name.startsWith(".")) continue;
      const gesture = HAGRID_GESTURES.find((one) => [one, `train_val_${one}`].includes(entry.name));
      const inner = join(dir, entry.name);
      if (gesture !== undefined) found.set(gesture, [...(found.get(gesture) ?? []), inner]);
      else if (depth < DEPTH) await visit(inner, depth + 1);
    }
  };
  await visit(root, 1);
  return found;
}

async function listNames(folder: string): Promise<Listed> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const pictures = entries.filter((entry) => entry.isFile() && /^[^.].*\.jpe?g$/i.test(entry.name));
  return { at: performance.now(), names: new Map(pictures.map(({ name }) => [name, join(folder, name)])) };
}

/** Answers for frames. */
export function serveFrames(app: Hono, frames: Frames | undefined): void {
  app.get("/api/frames/:gesture/:name", async ({ req }) => {
    const place = await frames?.find(req.param("gesture"), req.param("name"));
    if (place === undefined)
      throw new AppError("input", "FRAME", "Expected a frame of the folder of --hagrid, got another name");
    return sendFile(place, req.raw);
  });
}

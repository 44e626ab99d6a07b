// Frames that a journal has, when a derivation continues: are they the same ones, and still the files that were read?
// Source: our own. Invariant: a frame that was exchanged in between is an error; one that was only copied or touched is not.
import { statSync } from "node:fs";
import { AppError } from "../../core/errors.ts";
import { sha256File } from "../../machine/files.ts";
import type { Frame } from "../hagrid/frame.ts";
import type { FrameResult } from "./journal.ts";

/** Size and time of a file: whether it was exchanged is seen without reading it. */
export type SourceMark = NonNullable<FrameResult["source"]>;

/** The mark of a frame's file; undefined if there is none. */
export function sourceMark(path: string): SourceMark | undefined {
  try {
    const { size, mtimeMs } = statSync(path);
    return { bytes: size, mtimeMs: Math.floor(mtimeMs) };
  } catch {
    return undefined; // whatever it is, the reader of the frame reports it
  }
}

/**
 * Refuses to continue a journal of other frames, or of files that have been exchanged.
 *
 * @param result - the journal's entry in this frame's place
 * @param root - the staging folder
 * @throws AppError("data", "JOURNAL_DAMAGED" | "SOURCE_CHANGED")
 */
export async function checkDone(frame: Frame, result: FrameResult | undefined, root: string): Promise<void> {
  if (result?.imageId !== frame.imageId || result.gesture !== frame.gesture) {
    const message = `Expected frame ${frame.gesture}/${frame.imageId} in the journal of ${root}, got ${result?.gesture}/${result?.imageId}`;
    throw new AppError("data", "JOURNAL_DAMAGED", message, {
      hint: "remove the .partial folder and derive again",
    });
  }
  const got = await changed(frame.path, result);
  if (got === undefined) return;
  const message = `Expected the file that was read before for frame ${frame.gesture}/${frame.imageId}, got ${got} at ${frame.path}`;
  throw new AppError("data", "SOURCE_CHANGED", message, {
    hint: `bring the file back, or remove ${root} and derive all of it from what is there now`,
  });
}

/** What is in the place of a frame that was read; undefined if it is the same. */
async function changed(path: string, result: FrameResult): Promise<string | undefined> {
  const { source, sha256, reason } = result;
  const now = sourceMark(path);
  if (source === undefined && sha256 === undefined) {
    return reason === "image_missing" && now !== undefined ? "one where there was none" : undefined;
  }
  if (now === undefined) return "none";
  if (source?.bytes === now.bytes && source.mtimeMs === now.mtimeMs) return undefined;
  if (sha256 === undefined)
    return `one of ${now.bytes} bytes where there were ${source?.bytes}, or of another time`;
  return (await sha256File(path)) === sha256 ? undefined : "one of other bytes";
}

// MediaPipe's models as running sessions: read, translated, and fitted to this machine's kernels.

import { createSession } from "../engine/runtime/open-session.ts";
import { probeBlock } from "../engine/runtime/probe.ts";
import type { Session } from "../engine/runtime/session.ts";
import { importTflite } from "../engine/tflite/import.ts";
import { forBlockedKernels } from "../engine/tflite/import-blocked.ts";
import { encodeModel } from "../formats/onnx.ts";
import { readTflite } from "../formats/tflite.ts";

/**
 * Loads a TensorFlow Lite model.
 *
 * @param bytes - of the .tflite file
 * @param where - file name for messages
 * @param threads - inside one run
 * @returns a session, to be released by the caller; images are NCHW, and `run` wants a tensor for every output it is to
 *   give: where it can, the library writes into them, which for these small models saves a tenth of the time
 * @example const session = await openTflite(bytes, "palm.tflite", 1)
 */
export async function openTflite(bytes: Uint8Array, where: string, threads: number): Promise<Session> {
  const model = importTflite(readTflite(bytes, where), where);
  const file = encodeModel(forBlockedKernels(model, await probeBlock()));
  return createSession(file, { threads, memoryPattern: true });
}

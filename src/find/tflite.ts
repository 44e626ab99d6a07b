// ◇ Browser-safe. MediaPipe's models as running sessions: translated, and fitted to the host's kernels.

import type { Session } from "../engine/runtime/session.ts";
import { importTflite } from "../engine/tflite/import.ts";
import { encodeModel } from "../formats/onnx.ts";
import { readTflite } from "../formats/tflite.ts";
import type { ModelFile, ModelHost } from "./models.ts";

/**
 * Loads a TensorFlow Lite model.
 *
 * @param host - what runs it
 * @param file - a .tflite file
 * @param threads - inside one run
 * @returns a session, to be released by the caller; images are NCHW, and `run` wants a tensor for every output it is to
 *   give: where it can, the library writes into them, which for these small models saves a tenth of the time
 * @example const session = await openTflite(host, await host.packaged("palms"), 1)
 */
export async function openTflite(host: ModelHost, file: ModelFile, threads: number): Promise<Session> {
  const { bytes, where } = file;
  const model = importTflite(readTflite(bytes, where), where);
  const onnx = encodeModel(await host.fitted(model));
  return host.createSession(onnx, { threads, memoryPattern: true });
}

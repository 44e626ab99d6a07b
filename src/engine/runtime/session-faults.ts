// ◇ Browser-safe. What is reported where ONNX Runtime refuses a model or cannot run it, in Node as in a page.
import { AppError } from "../../core/errors.ts";
import { causeOf, endsOf, withCause } from "../../core/sniff.ts";

/**
 * ONNX Runtime refused a model.
 *
 * @param where - the user's file that it came from; our own model if left out
 * @returns AppError("data" | "internal", "MODEL_REFUSED"), to be thrown by the caller
 */
export function modelRefused(cause: unknown, model: Uint8Array, where?: string): unknown {
  if (cause instanceof AppError) return cause;
  const message = `Expected a model that ONNX Runtime accepts${where === undefined ? "" : ` in ${where}`}, got ${reason(cause)}`;
  const error = new AppError(where === undefined ? "internal" : "data", "MODEL_REFUSED", message, { cause });
  return where === undefined
    ? error
    : withCause(error, causeOf(endsOf(model), ["onnx"]), "an ONNX model", where);
}

/** A model that was accepted does not run. */
export function runFailed(cause: unknown): AppError {
  if (cause instanceof AppError) return cause;
  return new AppError("internal", "RUN_FAILED", `Expected the model to run, got ${reason(cause)}`, { cause });
}

function reason(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

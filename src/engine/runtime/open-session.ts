// Sessions on this machine's ONNX Runtime: by its C interface where that can be called, else by its Node binding.
// Source: our own. Invariant: native memory has one owner (core/handle): no call runs a model that is freed, or frees one
// that runs, and nothing that could crash native code is passed to it.
import { setImmediate as nextTurn } from "node:timers/promises";
import { unexpected } from "../../core/errors.ts";
import { Handle } from "../../core/handle.ts";
import { nativeCall } from "./gate.ts";
import type { NativeSession } from "./native.ts";
import { openDirect } from "./ort-direct.ts";
import { openBinding } from "./ort-node.ts";
import { checkRun } from "./ports.ts";
import { GRAPH_OPTIMIZATIONS, type Session, type SessionOptions } from "./session.ts";
import { modelRefused, runFailed } from "./session-faults.ts";

/**
 * Loads a model into ONNX Runtime.
 *
 * @param model - a serialised ONNX model; not referenced afterwards
 * @param options - see SessionOptions
 * @returns a session, to be released by the caller
 * @throws AppError("input", "MODEL_BYTES" | "SESSION_OPTION") for what is no model or option
 * @throws AppError("input", "DEVICE") for a provider that the installed binding does not have
 * @throws AppError("data" | "internal", "MODEL_REFUSED") if ONNX Runtime refuses it; `data` if `where` is given
 * @example const session = await createSession(encodeModel(model), { threads: 2 })
 */
export async function createSession(model: Uint8Array, options: SessionOptions = {}): Promise<Session> {
  checkModel(model);
  checkOptions(options);
  return ownSession(await open(model, options));
}

function checkModel(model: Uint8Array): void {
  const kind = Object.prototype.toString.call(model);
  if (
    kind === "[object Uint8Array]" &&
    Object.prototype.toString.call(model.buffer) === "[object ArrayBuffer]"
  )
    return;
  const expected = "a Uint8Array that no other thread shares";
  throw unexpected("input", { code: "MODEL_BYTES", expected, name: "the model", got: kind });
}

/** More than any machine has. */
const MAX_THREADS = 4096;
/** With them the library would read the model's bytes later, which it does not own. */
const LENDING = ["session.use_ort_model_bytes_directly", "session.use_ort_model_bytes_for_initializers"];

function checkOptions({ threads = 0, optimization = "all", config = {} }: SessionOptions): void {
  const bad = (name: string, expected: string, got: unknown) =>
    unexpected("input", { code: "SESSION_OPTION", expected, name, got });
  if (!Number.isInteger(threads) || threads < 0 || threads > MAX_THREADS)
    throw bad("threads", `an integer from 0 to ${MAX_THREADS}`, threads);
  if (!GRAPH_OPTIMIZATIONS.includes(optimization))
    throw bad("optimization", GRAPH_OPTIMIZATIONS.join(", "), optimization);
  for (const [key, value] of Object.entries(config)) {
    if (typeof value !== "string") throw bad(`config ${key}`, "text", value);
    if (LENDING.includes(key) && value !== "0") throw bad(`config ${key}`, "0", value);
  }
}

/** Only the C interface takes operators of our own. */
function withoutOperators(model: Uint8Array, options: SessionOptions): Promise<NativeSession> {
  if (options.operators === undefined) return openBinding(model, options);
  throw new Error("operators of our own need ONNX Runtime's C interface, which cannot be called here");
}

async function open(model: Uint8Array, options: SessionOptions): Promise<NativeSession> {
  try {
    return await nativeCall(
      async () => (await openDirect(model, options)) ?? (await withoutOperators(model, options)),
    );
  } catch (cause) {
    throw modelRefused(cause, model, options.where);
  }
}

/**
 * The session that callers see: it owns the native one.
 *
 * @param native - freed when it is released and nothing runs
 * @example ownSession(await openBinding(model, {}))
 */
export function ownSession(native: NativeSession): Session {
  const handle = new Handle("session", () => nativeCall(() => native.free()));
  const outputNames = native.outputs.map(({ name }) => name);
  return {
    inputNames: native.inputs.map(({ name }) => name),
    outputNames,
    run: (feeds, fetches) =>
      handle.use(async () => {
        await nextTurn(); // other work continues between runs
        checkRun(feeds, fetches, native); // as late as can be: what is checked is what is read
        try {
          return await nativeCall(() => native.run(feeds, fetches ?? outputNames));
        } catch (cause) {
          throw runFailed(cause);
        }
      }),
    release: () => handle.release(),
  };
}

// ◇ Browser-safe. Sessions on a page's own onnxruntime-web, whichever of its builds the page has.
// Source: onnxruntime-web's run(). Invariants: its code, which is one for all sessions of a build and may wait for the device
// in the middle, is entered by one call at a time; results are written where the caller asked for them, as in Node.
import { Handle } from "../../core/handle.ts";
import { type Lender, lend } from "../../core/lend.ts";
import type { DeviceMemory, Session, SessionOptions, Tensor, Tensors } from "./session.ts";
import { modelRefused, runFailed } from "./session-faults.ts";

/** What is used of the module `onnxruntime-web`, or of one of its builds (`onnxruntime-web/webgpu`). */
export type Ort = Pick<typeof import("onnxruntime-common"), "InferenceSession" | "Tensor">;

/** How a model is loaded in a page: threads are those of the whole module there (`ort.env.wasm.numThreads`). */
export type PageSessionOptions = Pick<
  SessionOptions,
  "optimization" | "memoryPattern" | "providers" | "config" | "where"
> & {
  /** Outputs that stay on the device, WebGPU's: see deviceMemory. */
  readonly onDevice?: readonly string[] | undefined;
};

const turns = new WeakMap<Ort["InferenceSession"], Lender<Ort>>();

/** Calls of one module in turn. */
function inTurnOf(ort: Ort): Lender<Ort> {
  const known = turns.get(ort.InferenceSession);
  if (known !== undefined) return known;
  const made = lend([ort]);
  turns.set(ort.InferenceSession, made);
  return made;
}

/**
 * Loads a model into a page's onnxruntime-web.
 *
 * @param model - a serialised ONNX model; not referenced afterwards
 * @param options - see PageSessionOptions; `providers` are by default `["wasm"]`
 * @returns a session, to be released by the caller
 * @throws AppError("data" | "internal", "MODEL_REFUSED") if ONNX Runtime refuses it; `data` if `where` is given
 * @example const session = await openPageSession(ort, encodeModel(model))
 */
export async function openPageSession(
  ort: Ort,
  model: Uint8Array,
  options: PageSessionOptions = {},
): Promise<Session> {
  const { optimization = "all", memoryPattern = false, providers = ["wasm"], config, where } = options;
  const { onDevice = [] } = options;
  const inTurn = inTurnOf(ort);
  const session = await inTurn(({ InferenceSession }) =>
    InferenceSession.create(model, {
      executionProviders: providers,
      graphOptimizationLevel: optimization,
      enableMemPattern: memoryPattern,
      extra: { ...config },
      preferredOutputLocation: Object.fromEntries(onDevice.map((name) => [name, "gpu-buffer"] as const)),
    }).catch((cause: unknown) => {
      throw modelRefused(cause, model, where);
    }),
  );
  const handle = new Handle("session", () => inTurn(() => session.release()));
  const run = async ({ Tensor: Made }: Ort, feeds: Tensors, fetches: readonly string[]) => {
    // Its tensors are made by its own class; the values are read in place.
    const inputs = Object.entries(feeds).map(([name, tensor]) => {
      if (isOnDevice(tensor)) return [name, tensor] as const; // its own, of an earlier run
      return [name, new Made(tensor.type, tensor.data as Uint8Array, tensor.dims)] as const;
    });
    return (await session.run(Object.fromEntries(inputs), fetches)) as Record<string, Tensor>;
  };
  return {
    inputNames: session.inputNames,
    outputNames: session.outputNames,
    run: (feeds, fetches) =>
      handle.use(async () => {
        const names = fetches === undefined ? session.outputNames : namesOf(fetches);
        const made = await inTurn((own) => run(own, feeds, names)).catch((cause: unknown) => {
          throw runFailed(cause);
        });
        return fetches === undefined || isNames(fetches) ? made : writtenTo(fetches, made);
      }),
    release: () => handle.release(),
  };
}

/** What stays on the device by `onDevice`. */
export function deviceMemory(ort: Ort): DeviceMemory {
  return {
    has: isOnDevice,
    read: (tensor) => inTurnOf(ort)(async () => (await own(tensor).getData()) as Float32Array),
    free: (tensor) => own(tensor).dispose(),
  };
}

type OrtTensor = InstanceType<Ort["Tensor"]>;

const own = (tensor: Tensor) => tensor as OrtTensor;
const isOnDevice = (tensor: Tensor): tensor is OrtTensor => "location" in tensor && tensor.location !== "cpu";

type Fetches = readonly string[] | Tensors;

const isNames = (fetches: Fetches): fetches is readonly string[] => Array.isArray(fetches);
const namesOf = (fetches: Fetches) => (isNames(fetches) ? fetches : Object.keys(fetches));

/** Of tensors that are given for results, onnxruntime-web fills those on a device only. */
function writtenTo(fetches: Tensors, made: Tensors): Record<string, Tensor> {
  for (const [name, { data }] of Object.entries(fetches))
    (data as Float32Array).set(made[name]!.data as Float32Array);
  return { ...fetches };
}

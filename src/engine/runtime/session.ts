// ◇ Browser-safe. What the rooms above need of a running model, whichever ONNX Runtime runs it (Node or browser).
// Source: onnxruntime-common, whose tensors have these three fields and more: what they hold is not copied, and a page that has
// an ONNX Runtime of its own need not load that library a second time.
import type { Tensor as Any } from "onnxruntime-common";

/** Values with their shape, in row-major order; read in place. */
export class Tensor {
  readonly type: Any.Type;
  readonly data: Any.DataTypeMap[Any.Type];
  readonly dims: readonly number[];

  constructor(type: Any.Type, data: Any.DataTypeMap[Any.Type], dims: readonly number[]) {
    this.type = type;
    this.data = data;
    this.dims = dims;
  }
}

/** Tensors by name. */
export type Tensors = Readonly<Record<string, Tensor>>;

/** Tensors that stayed on a device: they can be fed again, their values are read here alone. */
export interface DeviceMemory {
  readonly has: (tensor: Tensor) => boolean;
  /** @returns a copy */
  readonly read: (tensor: Tensor) => Promise<Float32Array>;
  /** Its memory may be used for others from now on. */
  readonly free: (tensor: Tensor) => void;
}

/** A loaded model that runs. */
export interface Session {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  /**
   * @param feeds - one tensor per input
   * @param fetches - names of the outputs wanted, or tensors to write them into; all outputs if left out
   * @returns one tensor per output wanted, by name
   * @throws AppError("input", "RELEASED") once its release was asked for
   */
  run(feeds: Tensors, fetches?: readonly string[] | Tensors): Promise<Record<string, Tensor>>;
  /** Frees the model's memory when runs under way have ended; from the call on none is begun. A second call does no harm. */
  release(): Promise<void>;
}

export const GRAPH_OPTIMIZATIONS = ["disabled", "basic", "extended", "all"] as const;
export type GraphOptimization = (typeof GRAPH_OPTIMIZATIONS)[number];

/** How a model is loaded. */
export interface SessionOptions {
  /** Threads inside one operator; 0 (default) lets ONNX Runtime take one per core. */
  readonly threads?: number | undefined;
  /** Rewriting of the graph on load; default `all`. `basic` keeps hand-made training graphs as they are. */
  readonly optimization?: GraphOptimization | undefined;
  /** Reuse of activation memory planned on the first run; default false (training graphs grow by 1.8 times). */
  readonly memoryPattern?: boolean | undefined;
  /** Execution providers in order of preference; default `["cpu"]`. */
  readonly providers?: readonly string[] | undefined;
  /** Settings of the first of them, as ONNX Runtime names them, e.g. `{ use_tf32: "0" }` of cuda; where it runs by the C interface. */
  readonly providerOptions?: Readonly<Record<string, string>> | undefined;
  /** Outputs that stay on the device of the first of them, as long as their shapes are fixed: see device-memory. */
  readonly onDevice?: readonly string[] | undefined;
  /** More of ONNX Runtime's configuration keys, e.g. `{ "session.intra_op_thread_affinities": "1" }`. */
  readonly config?: Readonly<Record<string, string>> | undefined;
  /** A library of operators of our own (engine/kernels): the model may have them, where it runs by the C interface. */
  readonly operators?: string | undefined;
  /** Writes a profile of all operators to `<prefix>_<time>.json`. */
  readonly profilePrefix?: string | undefined;
  /** The user's file the model came from: faults are then its (`data`), not ours (`internal`). */
  readonly where?: string | undefined;
}

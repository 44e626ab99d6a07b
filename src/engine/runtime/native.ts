// What both bindings of ONNX Runtime (ort-direct, ort-node) give: a loaded model in native memory, without any safety.
// Invariant: open-session.ts owns each of them, and is the only one that runs and frees them.
import type { Port } from "./ports.ts";
import type { Tensor, Tensors } from "./session.ts";

/** A loaded model; what it is given has been checked, and it is freed once, when nothing runs. */
export interface NativeSession {
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
  run(
    feeds: Tensors,
    fetches: readonly string[] | Tensors,
  ): Record<string, Tensor> | Promise<Record<string, Tensor>>;
  free(): unknown;
}

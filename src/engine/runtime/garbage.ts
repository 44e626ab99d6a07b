// Gives memory of large buffers back at once. V8 collects them when it likes, and a model that has been handed over to ONNX
// Runtime is as large as its weights: the peak of a process would be higher by all of them (docs/decisions/0008).
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

let collect: (() => void) | undefined;

/** Collects garbage now; takes some 10 ms. */
export function collectGarbage(): void {
  if (collect === undefined) {
    setFlagsFromString("--expose-gc");
    collect = runInNewContext("gc") as () => void;
  }
  collect();
}

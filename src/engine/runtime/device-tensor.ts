// A tensor that stays on a device from run to run: it can be fed again, its values are read by device-memory alone.
// Source: our own. Invariants: the session that made it frees it, at the latest when it is released itself; a freed one is
// refused before native code sees it, and freeing it twice does no harm.
import type { Tensor } from "./session.ts";

/** Values on a device, with their shape. */
export class DeviceTensor implements Tensor {
  readonly type: Tensor["type"];
  readonly dims: readonly number[];
  /** The library's value. */
  readonly value: bigint;
  #release: ((value: bigint) => void) | undefined;

  /** @param release - gives the value back to the library; called once */
  constructor(
    { type, dims, value }: Pick<DeviceTensor, "type" | "dims" | "value">,
    release: (value: bigint) => void,
  ) {
    this.type = type;
    this.dims = dims;
    this.value = value;
    this.#release = release;
  }

  get data(): never {
    throw new Error("its values are on a device");
  }

  get isFreed(): boolean {
    return this.#release === undefined;
  }

  free(): void {
    this.#release?.(this.value);
    this.#release = undefined;
  }
}

// Predictors of a checkpoint on this machine, from which every figure of a run is computed.

import type { Weights } from "../engine/params.ts";
import type { Device } from "../engine/runtime/device.ts";
import { createSession } from "../engine/runtime/open-session.ts";
import type { ModelFacts } from "../models/facts.ts";
import { openPredictor, type Predictor } from "./predictor.ts";

/** What computes. */
export interface Compute {
  /** Threads of ONNX Runtime; one per core if left out. */
  readonly threads?: number | undefined;
  /** A device that runs here (see chooseDevice); default: the CPU. */
  readonly device?: Device | undefined;
}

/** Only what is set, to be spread into options. */
export function computeOf({ threads, device }: Compute): Compute {
  return { threads, device };
}

/** What to compute predictions with. */
export interface LocalOptions extends Compute {
  readonly batch: number;
  /** True where other threads compute meanwhile: those of the model that wait leave them the cores. */
  readonly sharing?: boolean | undefined;
}

/** A predictor on this machine; a device that lacks an operation hands it to the CPU. */
export function openWeights(facts: ModelFacts, weights: Weights, options: LocalOptions): Promise<Predictor> {
  return openPredictor({ facts, weights, ...localRuntime(options) });
}

/** How a graph of prediction runs on this machine. */
export function localRuntime({ batch, threads, device = "cpu", sharing = false }: LocalOptions) {
  const options = {
    threads,
    providers: device === "cpu" ? ["cpu"] : [device, "cpu"],
    config: sharing ? { "session.intra_op.allow_spinning": "0" } : undefined,
  };
  return {
    batchSize: batch,
    provider: device,
    createSession: (model: Uint8Array) => createSession(model, options),
  };
}

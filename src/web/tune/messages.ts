// ◇ Browser-safe. What the view of Tune and its thread say to each other.
import type { ErrorKind } from "../../core/errors.ts";
import type { Summary } from "../../evaluate/analysis/summary.ts";
import type { Prediction } from "../../evaluate/stored/prediction-row.ts";
import type { ModelFacts } from "../../models/facts.ts";
import type { TrainConfig } from "../../train/config.ts";
import type { Learner, TuneChoices } from "../../train/head/plan.ts";
import type { EpochLog } from "../../train/runlog.ts";
import type { Dealt } from "./samples.ts";

/** A training that is asked for. */
export interface Order {
  /** The same for orders whose pictures, backbone and learner are the same: what they need of those is in memory. */
  readonly prepared: string;
  /** The model's file: its address, or its bytes. */
  readonly model: string | Uint8Array;
  /** What messages call it. */
  readonly modelName: string;
  /** What its pictures are of: a dataset, or a folder. */
  readonly place: string;
  readonly kind: string;
  readonly dealt: Dealt;
  /** Of each sample by its id: an address, or a file that was chosen. */
  readonly pictures: ReadonlyMap<string, string | File>;
  readonly recipeHash: string | undefined;
  readonly learner: Learner;
  readonly choices: TuneChoices;
}

/** What the thread is asked. */
export type Task = { readonly do: "train"; readonly order: Order } | { readonly do: "stop" };

/** What came of a training. */
export interface Tuned {
  readonly modelName: string;
  readonly place: string;
  readonly facts: ModelFacts;
  readonly config: TrainConfig;
  readonly log: readonly EpochLog[];
  readonly rows: readonly Prediction[];
  readonly summary: Summary;
  readonly checkpoint: Uint8Array;
  readonly counts: Counts;
  /** What computed, and why. */
  readonly runtime: string;
  /** False of one that was stopped: it is the best epoch so far. */
  readonly ended: boolean;
}

/** How many images and people. */
export type Counts = Readonly<
  Record<"train" | "val", { readonly images: number; readonly subjects: number }>
>;

/** What the thread says. */
export type Said =
  | { readonly is: "runtime"; readonly words: string }
  | { readonly is: "features"; readonly made: number; readonly read: number; readonly of: number }
  /** Pictures that were read, to be learnt from as they lie in memory. */
  | { readonly is: "pictures"; readonly read: number; readonly of: number }
  | { readonly is: "begun"; readonly log: readonly EpochLog[]; readonly config: TrainConfig }
  | { readonly is: "epoch"; readonly epoch: EpochLog }
  /** A step of an epoch that takes long. */
  | { readonly is: "step"; readonly step: number; readonly of: number; readonly loss: number }
  /** With the best epoch so far, where one has ended. */
  | { readonly is: "stopped"; readonly tuned: Tuned | undefined }
  | { readonly is: "tuned"; readonly tuned: Tuned }
  | {
      readonly is: "fault";
      readonly fault: { kind: ErrorKind; code: string; message: string; hint?: string | undefined };
    };

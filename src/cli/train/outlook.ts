// What `facehand train` says before a run's first step: its steps, the time and memory that it will take, and what would take
// less. Invariant: figures rest on trial steps of this run (see train/trial); a way that changes the results says so.
import { existsSync, readdirSync } from "node:fs";
import { availableParallelism } from "node:os";
import { formatSeconds } from "../../core/progress.ts";
import { DEVICES, type Device, probeDevice } from "../../engine/runtime/device.ts";
import { peakBytes } from "../../machine/peak-memory.ts";
import { parseTag } from "../../models/tags.ts";
import { gigabytes } from "../../studies/plan/batch-size.ts";
import { imagesPerStep, type TrainConfig } from "../../train/config.ts";
import { checkPhases, lastPhase } from "../../train/phases.ts";
import { NOT_PRETRAINED } from "../../train/pretrained.ts";
import { keepsFeatures } from "../../train/step/features.ts";
import { kernelsWay } from "../../train/step/native.ts";
import type { Tried } from "../../train/try-run.ts";
import { expectedSeconds, type Known, laterPictures, trialAt } from "./expected.ts";

/** Of a step, what another way has to save to be named. */
const WORTH = 0.1;

/** How a run is made, and beside what. */
export interface Ways {
  readonly device: Device;
  readonly workers: number;
  /** Epochs that are done of each run that follows; none left out. */
  readonly following: readonly number[];
  /** Cores of this machine. */
  readonly cores?: number | undefined;
  /** Memory that is free for this process beside what it has, bytes. */
  readonly freeBytes?: number | undefined;
  /** Devices that run here, beside the CPU. */
  readonly devices?: readonly Device[] | undefined;
  /** How the run could have native kernels. */
  readonly kernels?: string | undefined;
}

/**
 * Steps, time and memory of a run, and what would take less.
 *
 * @returns one to three lines
 */
export function outlookLines(config: TrainConfig, tried: Tried, ways: Ways): string[] {
  const { position, stepsPerEpoch, trial } = tried;
  const left = (config.epochs - position.epoch) * stepsPerEpoch - position.batch;
  const runs = ways.following.length === 0 ? "" : `; with the runs that follow, ${ways.following.length + 1}`;
  const steps = `${left} steps of ${imagesPerStep(config)} images, ${stepsPerEpoch} an epoch${runs}`;
  if (trial === undefined)
    return [`${steps}: too few to try some before; time follows with the first epoch, memory at the end`];
  const known = { ...tried, trial };
  const all = [position, ...ways.following.map((epoch) => ({ epoch, batch: 0 }))];
  const times = all.map((at) => expectedSeconds(config, known, at));
  const sum = (of: "all" | "predicting") => times.reduce((total, time) => total + time[of], 0);
  const most = config.patience === undefined ? "about" : "at most about";
  const bytes = trial.peakBytes + trial.toCacheBytes;
  const took = `${most} ${formatSeconds(sum("all"))}, of it validation and predictions ${formatSeconds(sum("predicting"))}`;
  const less = [
    ...sameResults(config, known, ways),
    ...otherResults(config, known, ways),
    ...lessMemory(bytes, ways),
  ];
  return [
    `${steps}: ${took}; memory at most about ${gigabytes(bytes)} GB`,
    `a trial step took ${triedText(known)}`,
    ...(less.length === 0 ? [] : [`would take less: ${less.join("; ")}`]),
  ];
}

/** Says of some runs, at the first that takes steps, what all will take, and at the end what they took. */
export class Outlook {
  readonly #report: (line: string) => void;
  readonly #how: Pick<Ways, "device" | "workers">;
  #beganMs: number | undefined;

  constructor(report: (line: string) => void, how: Pick<Ways, "device" | "workers">) {
    this.#report = report;
    this.#how = how;
  }

  /** @param following - see Ways */
  async tried(config: TrainConfig, tried: Tried, following: readonly number[]): Promise<void> {
    const { device, workers } = this.#how;
    const freeBytes = process.availableMemory() + process.memoryUsage.rss();
    const devices = tried.trial === undefined ? [] : await usableDevices(device);
    const kernels = device === "cpu" && tried.trial !== undefined ? await kernelsWay(config) : undefined;
    const ways = { device, workers, following, freeBytes, devices, kernels };
    outlookLines(config, tried, ways).forEach(this.#report);
    this.#beganMs = performance.now();
  }

  /** Behind the last run. */
  end(): void {
    if (this.#beganMs === undefined) return;
    const seconds = (performance.now() - this.#beganMs) / 1000;
    this.#report(`took ${formatSeconds(seconds)}, and at most ${gigabytes(peakBytes())} GB of memory`);
  }
}

const shown = (seconds: number) => `${seconds.toPrecision(2)} s`;

function triedText({ trial }: Known): string {
  return trial.phases
    .map(({ sizePx, frozen, step, kept, files, cached }) => {
      const heads = kept === undefined ? "" : ` and ${shown(kept)} on stored features`;
      const what = `${sizePx} px${frozen ? " with a frozen backbone" : ""}`;
      return `${shown(step)}${heads} at ${what}, its pictures ${shown(files)} from files and ${shown(cached)} from the cache`;
    })
    .join("; ");
}

/** More of this machine, where that was measured to be the bound. */
function sameResults(config: TrainConfig, { trial }: Known, ways: Ways): string[] {
  const { workers, cores = availableParallelism() } = ways;
  const last = trialAt(trial.phases, lastPhase(config));
  const step = last.kept ?? last.step;
  const { allCores } = trial;
  const pictures = last.kept === undefined ? laterPictures(last, trial) : 0;
  const more = Math.min(cores, Math.ceil((workers * pictures) / step));
  return [
    ...(allCores !== undefined && allCores < step * (1 - WORTH)
      ? [`no --threads: a step takes ${shown(allCores)} on all ${cores} cores, not ${shown(step)}`]
      : []),
    ...(pictures * (1 - WORTH) > step && more > workers
      ? [
          `--workers ${more}: pictures of a step take ${shown(pictures)} with ${workers}, the step ${shown(step)}`,
        ]
      : []),
  ];
}

/** Other trainings, by what was measured of this one. */
function otherResults(config: TrainConfig, known: Known, { devices = [], kernels }: Ways): string[] {
  const { imageSize, startSize } = config;
  const { frozen, pretrain } = parseTag(config.tag);
  const kept = keepsFeatures(config);
  const whole = { epoch: 0, batch: 0 };
  const half = { ...config, startSize: Math.round(imageSize / 16) * 8 };
  const time = (seconds: number) => `about ${formatSeconds(seconds)} for a whole run`;
  const { image } = known.trial.validation;
  const { train, val, test } = known.images;
  return [
    ...(kernels === undefined ? [] : [kernels]),
    ...devices.map((device) => `--device ${device}, which runs here: not timed, and rounds differently`),
    ...(startSize !== undefined || kept || half.startSize < 32 || !isPossible(half)
      ? []
      : [
          `--start-size ${half.startSize}: ${time(expectedSeconds(half, known, whole).all)}, if steps go by pixels; other results`,
        ]),
    // Features of a backbone that has learnt nothing are no way to the same figures.
    ...(kept || frozen === 2 || pretrain === NOT_PRETRAINED
      ? []
      : [
          `Z2 and An in the tag: ${time((train + 2 * val + test) * image)} beside the heads' steps, on features made once; other results`,
        ]),
  ];
}

function isPossible(config: TrainConfig): boolean {
  try {
    checkPhases(config);
    return true;
  } catch {
    return false;
  }
}

function lessMemory(bytes: number, { freeBytes, device }: Ways): string[] {
  if (freeBytes === undefined || bytes <= freeBytes || device !== "cpu") return [];
  return [
    `a smaller --batch: memory is more than the ${gigabytes(freeBytes)} GB that are free, and auto measures which fits; other results`,
  ];
}

/**
 * Devices that run here, beside the CPU. A system without the files of a card is not asked: to open a device, only for it to be
 * missing, takes a tenth of a second and lets drivers print.
 */
async function usableDevices(device: Device): Promise<readonly Device[]> {
  if (device !== "cpu" || !hasCard()) return [];
  const states = await Promise.all(DEVICES.filter((name) => name !== "cpu").map((name) => probeDevice(name)));
  return states.filter(({ runs }) => runs).map((state) => state.device);
}

/** On Linux, the node that a graphics card has there. */
function hasCard(): boolean {
  if (process.platform !== "linux") return true;
  if (existsSync("/dev/nvidia0")) return true;
  return existsSync("/dev/dri") && readdirSync("/dev/dri").some((name) => name.startsWith("renderD"));
}

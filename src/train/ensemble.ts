// Several seeds of one configuration as one predictor: the mean of their log-odds.
// Invariants: every seed answers every image; a gate's weight is the mean of the seeds', classes have the mean of their
// log-probabilities, made to sum to 1 again.
import { closeAll, Handle } from "../core/handle.ts";
import { probabilityOf } from "../evaluate/metrics/binary.ts";
import { type LocalOptions, openWeights } from "../predict/infer.ts";
import { type LoadedModel, loadModel } from "../predict/model-file.ts";
import { GATED, type ImagePrediction, type Predictor, preferred } from "../predict/predictor.ts";
import { seedRuns } from "./seeds.ts";

/** One model, or several that differ in their seed alone. */
export interface LoadedModels {
  /** What was given: a checkpoint, a run folder, or the folder of several. */
  readonly path: string;
  /** Of all of them. */
  readonly facts: LoadedModel["facts"];
  /** In the order of `seeds`. */
  readonly models: readonly LoadedModel[];
  /** Absent for a single model. */
  readonly seeds?: readonly number[] | undefined;
}

/**
 * Loads a model, or all models of a folder of seeds.
 *
 * @param target - as loadModel, or the folder that `train --seeds` was given
 * @throws as loadModel and seedRuns
 * @example (await loadModels("runs/umcc")).seeds // [42, 123, 999]
 */
export async function loadModels(target: string): Promise<LoadedModels> {
  const runs = await seedRuns(target);
  if (runs === undefined) {
    const model = await loadModel(target);
    return { path: model.path, facts: model.facts, models: [model] };
  }
  const models: LoadedModel[] = [];
  for (const { dir } of runs) models.push(await loadModel(dir));
  return { path: target, facts: models[0]!.facts, models, seeds: runs.map(({ seed }) => seed) };
}

/**
 * Loads the checkpoints of one configuration, one for each seed, or one alone.
 *
 * @param path - what they are called together
 * @param checkpoints - a seed where there are several, null for one alone
 * @throws as loadModel
 */
export async function loadCheckpoints(
  path: string,
  checkpoints: readonly { readonly seed: number | null; readonly path: string }[],
): Promise<LoadedModels> {
  const models: LoadedModel[] = [];
  for (const each of checkpoints) models.push(await loadModel(each.path));
  const seeds = checkpoints.flatMap(({ seed }) => (seed === null ? [] : [seed]));
  return { path, facts: models[0]!.facts, models, ...(seeds.length > 0 && { seeds }) };
}

/**
 * A predictor of one model, or of several together; `members` of its answers are the probabilities of each seed.
 *
 * @throws as openWeights
 * @example await openEnsemble(await loadModels("runs/umcc"), { batch: 1 })
 */
export async function openEnsemble(
  { facts, models, seeds }: LoadedModels,
  options: LocalOptions,
): Promise<Predictor> {
  const all: Predictor[] = [];
  const handle = new Handle("predictor", () => closeAll(all));
  try {
    for (const model of models) all.push(await openWeights(facts, model.weights, options));
  } catch (error) {
    await handle.release();
    throw error;
  }
  if (seeds === undefined) return all[0]!;
  const together = (ask: (each: Predictor) => Promise<ImagePrediction[]>) =>
    handle.use(async () => {
      const bySeed = await Promise.all(all.map(ask));
      return bySeed[0]!.map((_, i) => meanPrediction(bySeed.map((own) => own[i]!)));
    });
  return {
    facts,
    predict: (images, modality) => together((each) => each.predict(images, modality)),
    predictPixels: (pixels, asked) => together((each) => each.predictPixels(pixels, asked)),
    close: () => handle.release(),
  };
}

/** What several models predict of one image together. @param answers - at least one, of models that differ in weights alone */
export function meanPrediction(answers: readonly ImagePrediction[]): ImagePrediction {
  const [first] = answers;
  const logit = mean(answers.map((answer) => answer.logit));
  const gateHand = first!.gateHand === null ? null : mean(answers.map((answer) => answer.gateHand!));
  return {
    ...first!,
    logit,
    probability: probabilityOf(logit),
    gateHand,
    modalityUsed: first!.head === GATED ? preferred(gateHand!) : first!.modalityUsed,
    members: answers.map(({ probability }) => probability),
    classes: first!.classes && meanClasses(answers),
  };
}

function meanClasses(answers: readonly ImagePrediction[]): NonNullable<ImagePrediction["classes"]> {
  const targets = Object.entries(answers[0]!.classes!).map(([target, classes]) => {
    const values = Object.keys(classes).map((name) => {
      const own = answers.map((answer) => answer.classes![target as keyof typeof answer.classes]![name]!);
      return [name, Math.exp(mean(own.map(Math.log)))] as const;
    });
    const sum = values.reduce((total, [, value]) => total + value, 0);
    return [target, Object.fromEntries(values.map(([name, value]) => [name, value / sum]))] as const;
  });
  return Object.fromEntries(targets);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

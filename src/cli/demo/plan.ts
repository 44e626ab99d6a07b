// What the demo does, as data: folders, the two training configurations, and the same as shell lines.
// Invariant: the shell lines make what the demo makes; test/cli/demo.test.ts compares their flags with the plan.
import { join } from "node:path";
import type { Modality } from "../../core/words.ts";
import { rawExtra } from "../../dataset/layout.ts";
import { parseTrainConfig, type TrainConfig } from "../../train/config.ts";

/** Defaults are chosen so that all of it takes about a minute on two idle cores. */
export const DEMO_DEFAULTS = { subjects: 150, epochs: 12, seed: 42 } as const;

export interface DemoOptions {
  readonly subjects: number;
  readonly epochs: number;
  readonly seed: number;
}

export const FRAMES_PER_SUBJECT = 3;
/** Side of the crops, px: more than the networks need, for the report's images. */
export const CROP_PX = 160;
/** More than usual goes to val and test: by the defaults, test has over 20 subjects of each sex; figures of fewer are marked or left out. */
export const SHARES = { val: 0.15, test: 0.35 } as const;

const MODELS = [
  {
    key: "umcc",
    name: "UMCC F1",
    about: "One network for both modalities; it is given which one it sees.",
    tag: "test_efficientnet.none_F1_Af_Lb_Z0",
  },
  {
    key: "mag",
    name: "MAG soft",
    about: "One backbone, a head for each modality, and a gate that weighs the heads by what it sees.",
    tag: "test_efficientnet.none_F0_Af_Lb_Z0_gating=soft",
  },
] as const;

export interface DemoModel {
  readonly key: "umcc" | "mag";
  readonly name: string;
  readonly about: string;
  readonly dir: string;
  readonly config: TrainConfig;
}

export interface DemoPlan {
  readonly out: string;
  readonly options: DemoOptions;
  /** What the folder was made with. */
  readonly mark: string;
  readonly sample: string;
  readonly faceLandmarks: string;
  readonly pairs: string;
  readonly models: readonly DemoModel[];
  readonly report: string;
}

/** Paths and configurations of a demo in the folder `out`. */
export function planDemo(out: string, options: DemoOptions): DemoPlan {
  const sample = join(out, "sample");
  const pairs = join(out, "pairs");
  return {
    out,
    options,
    mark: join(out, "demo.json"),
    sample,
    faceLandmarks: rawExtra(sample, "face_landmarks.json"),
    pairs,
    models: MODELS.map(({ key, name, about, tag }) => ({
      key,
      name,
      about,
      dir: join(out, "runs", key),
      config: parseTrainConfig({ arch: key, tag, data: [`pairs:${pairs}`], ...training(options) }),
    })),
    report: join(out, "report.html"),
  };
}

/** The image size and learning rate suit a tiny network with random weights and a few hundred images. */
function training({ epochs, seed }: DemoOptions) {
  const warmupEpochs = epochs > 1 ? 1 : 0;
  return { imageSize: 64, pixels: "inception", epochs, batch: 16, lr: 0.004, warmupEpochs, seed } as const;
}

/** Shell lines that do the same step by step; `pictures` are the two that are predicted. */
export function demoCommands(
  plan: DemoPlan,
  pictures: readonly { readonly modality: Modality; readonly path: string }[],
): string[] {
  const { options, sample, faceLandmarks, pairs, models } = plan;
  const { subjects, seed } = options;
  const { val, test } = SHARES;
  const { epochs, imageSize, pixels, batch, lr, warmupEpochs } = training(options);
  const hyper = `--image-size ${imageSize} --pixels ${pixels} --epochs ${epochs} --batch ${batch} --lr ${lr} --warmup-epochs ${warmupEpochs} --seed ${seed}`;
  return [
    `npx --no facehand data sample --subjects ${subjects} --frames ${FRAMES_PER_SUBJECT} --seed ${seed} --out ${sample}`,
    `npx --no facehand derive --hagrid ${sample} --gestures all --face-landmarks ${faceLandmarks} --size ${CROP_PX} --val ${val} --test ${test} --seed ${seed} --out ${pairs}`,
    `npx --no facehand data show ${pairs}`,
    ...models.flatMap(({ dir, config }) => [
      `npx --no facehand train --arch ${config.arch} --tag ${config.tag} --data pairs:${pairs} ${hyper} --out ${dir}`,
      `npx --no facehand evaluate ${dir} --split test`,
    ]),
    ...models.flatMap(({ dir, config }) =>
      pictures.map(({ modality, path }) => {
        const flag = config.arch === "umcc" ? ` --modality ${modality}` : "";
        return `npx --no facehand predict ${dir} ${path}${flag}`;
      }),
    ),
  ];
}

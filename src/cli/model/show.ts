// `facehand model show`: what a file of weights contains.

import type { Command } from "commander";
import { visible } from "../../core/visible.ts";
import type { ModelFacts } from "../../models/facts.ts";
import { describeModel, groupTensors, type ModelDescription } from "../../models/files/describe.ts";
import { choiceText } from "../../models/files/weights.ts";
import { modelPath } from "../../predict/model-file.ts";
import { alignColumns, LABEL_NOTE } from "../../report/figure-text.ts";
import { type Context, jsonOption, verb } from "../context.ts";
import { onePath } from "../hub-model.ts";

/** `facehand model show`. */
export function showCommand(context: Context): Command {
  return verb("show", "print tensors, parameters, pixel recipe, tag and training facts of a model")
    .argument("<file>", "checkpoint, run folder, bare weights (.safetensors, .pt, .pth), or hf:USER/NAME")
    .option("--all", "list every tensor, not only the parts of the model")
    .addOption(jsonOption())
    .action(
      async (target: string, { all, json }: { all?: boolean | undefined; json?: boolean | undefined }) => {
        const model = await describeModel(await modelPath(await onePath(context, target)));
        context.print(json === true ? JSON.stringify(model, null, 2) : formatModel(model, all ?? false));
      },
    );
}

const whole = (n: number) => n.toLocaleString("en");

function formatModel(model: ModelDescription, all: boolean): string {
  const { path, tensors, parameters, buffers, optimizer, bytes, taken, facts, position } = model;
  const choice = choiceText(taken ?? undefined);
  const counts = [
    `${whole(parameters)} parameters`,
    ...(buffers > 0 ? [`${whole(buffers)} of statistics`] : []),
    ...(optimizer > 0 ? [`${whole(optimizer)} of the optimizer`] : []),
    `${(bytes / 1e6).toFixed(1)} MB in ${tensors.length} tensors`,
  ];
  const steps =
    position === null ? [] : [`resumes  epoch ${position.epoch + 1}, after ${position.step} steps`];
  return [
    visible(path),
    counts.join(", "),
    ...(choice === undefined ? [] : [visible(`weights  ${choice}`)]),
    ...(facts === null ? ["bare weights: no tag, no pixel recipe"] : factLines(facts).map(visible)),
    ...steps,
    "",
    alignColumns(all ? tensorRows(model) : partRows(model)),
    ...(facts === null ? [] : [LABEL_NOTE]),
  ].join("\n");
}

function factLines({
  arch,
  tag,
  pixels,
  padding,
  bnEps,
  globalPool,
  threshold,
  trainedOn,
  targets = [],
}: ModelFacts): string[] {
  const { sizePx, interpolation, mean, std } = pixels;
  const own = [
    ...(padding === undefined ? [] : [`padding ${padding}`]),
    ...(bnEps === undefined ? [] : [`BatchNorm epsilon ${bnEps}`]),
    ...(globalPool === undefined ? [] : [`pooling ${globalPool}`]),
  ];
  return [
    `model    ${[`${arch} ${tag}`, ...own].join(", ")}; male from ${threshold.toFixed(2)}`,
    `pixels   ${sizePx} px ${interpolation}, mean ${mean.join(" ")}, std ${std.join(" ")}`,
    ...targets.map(({ name, classes }) => `predicts apparent ${name}: ${classes.join(", ")}`),
    ...(trainedOn.length === 0 ? ["trained  elsewhere: no record of the images"] : []),
    ...trainedOn.map(
      ({ kind, images, manifestHash }) =>
        `trained  ${kind}: ${whole(images)} images (${manifestHash.slice(0, 12)})`,
    ),
  ];
}

function partRows({ tensors }: ModelDescription): string[][] {
  const rows = groupTensors(tensors).map(({ name, tensors: count, values, dtypes }) => [
    name,
    String(count),
    whole(values),
    dtypes.join(" "),
  ]);
  return [["part", "tensors", "values", "dtype"], ...rows];
}

function tensorRows({ tensors }: ModelDescription): string[][] {
  return [
    ["tensor", "shape", "dtype"],
    ...tensors.map(({ name, shape, dtype }) => [name, `[${shape.join(", ")}]`, dtype]),
  ];
}

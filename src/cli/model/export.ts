// `facehand model export`: a model as an ONNX file for other programs.

import { type Command, Option } from "commander";
import { unexpected } from "../../core/errors.ts";
import { visible } from "../../core/visible.ts";
import { SPLITS, type Split } from "../../core/words.ts";
import { sourceFolder } from "../../dataset/sources/sources.ts";
import { isFolder, writeAtomic } from "../../machine/files.ts";
import { checkApart } from "../../machine/true-path.ts";
import type { Precision } from "../../models/files/compress.ts";
import { exportOnnx } from "../../predict/export.ts";
import { loadModel } from "../../predict/model-file.ts";
import { alignColumns, LABEL_NOTE } from "../../report/figure-text.ts";
import { type ExportCost, exportCost } from "../../train/exchange/export-cost.ts";
import { type Context, jsonOption, onlyWith, repeated, verb, wholeNumber } from "../context.ts";
import { onePath } from "../hub-model.ts";

interface Flags {
  readonly onnx: string;
  readonly fp16?: boolean | undefined;
  readonly int8?: boolean | undefined;
  readonly data?: readonly string[] | undefined;
  readonly split?: Split | undefined;
  readonly otherRecipe?: boolean | undefined;
  readonly workers: number;
  readonly json?: boolean | undefined;
}

/** `facehand model export`. */
export function exportCommand(context: Context): Command {
  const { print, report } = context;
  return verb("export", "export a model as ONNX: standard operators, batches of any size, BatchNorm folded")
    .argument("<ckpt>", "checkpoint (.safetensors), a run folder for its best one, or hf:USER/NAME")
    .requiredOption("--onnx <file>", "where to write the model")
    .option("--fp16", "store large weights in half precision: about half the bytes; computes in float32")
    .option(
      "--int8",
      "store large weights as int8, with a scale per output channel: about a quarter of the bytes; computes in float32, so a smaller file and not a faster one",
    )
    .option(
      "--data <source>",
      "also predict these images with the file and with the checkpoint, and print how they differ; repeatable",
      repeated,
    )
    .addOption(
      new Option(
        "--split <name>",
        "with --data: which of its images (default: val; all if the data is not the model's own)",
      ).choices(SPLITS),
    )
    .option(
      "--other-recipe",
      "with --data: accept crops of another alignment recipe than the model's training images",
    )
    .option("--workers <n>", "threads that decode images", wholeNumber("--workers", 1, 256), 2)
    .addOption(jsonOption())
    .action(async (named: string, flags: Flags, command: Command) => {
      for (const flag of ["--split", "--other-recipe", "--workers"])
        onlyWith(command, flag, "--data", flags.data !== undefined);
      const precision = precisionOf(flags);
      const ckpt = await onePath(context, named);
      const inputs = [...((await isFolder(ckpt)) ? [] : [ckpt]), ...(flags.data ?? []).map(sourceFolder)];
      checkApart(flags.onnx, inputs, "--onnx");
      const model = await loadModel(ckpt);
      const { bytes, ...exported } = exportOnnx(model, precision);
      const { data } = flags;
      if (data !== undefined) report("predicting the images twice");
      const cost = data === undefined ? undefined : await exportCost(ckpt, model, bytes, { ...flags, data });
      await writeAtomic(flags.onnx, bytes);
      const result = {
        path: flags.onnx,
        sizeBytes: bytes.byteLength,
        precision,
        ...exported,
        cost,
      };
      print(flags.json === true ? JSON.stringify(result, null, 2) : toText(result, model.facts));
    });
}

function precisionOf({ fp16 = false, int8 = false }: Flags): Precision {
  if (fp16 && int8) {
    const [name, got] = ["the weights", "both"];
    throw unexpected("input", { code: "FLAG", expected: "--fp16 or --int8", name, got });
  }
  return fp16 ? "float16" : int8 ? "int8" : "float32";
}

interface Result {
  readonly path: string;
  readonly sizeBytes: number;
  readonly precision: Precision;
  readonly opset: number;
  readonly nodes: number;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly cost?: ExportCost | undefined;
}

type Facts = Awaited<ReturnType<typeof loadModel>>["facts"];

function toText(result: Result, { arch, tag, pixels: { sizePx } }: Facts): string {
  const { path, sizeBytes, precision, opset, nodes, inputs, outputs, cost } = result;
  const stored = precision === "float32" ? "" : `, large weights as ${precision}`;
  return [
    `${path}: ${visible(`${arch} ${tag}`)}, ${(sizeBytes / 1e6).toFixed(1)} MB, opset ${opset}, ${nodes} nodes${stored}`,
    `inputs   ${visible(inputs.join(", "))} (images: u8 [batch, ${sizePx}, ${sizePx}, 3])`,
    `outputs  ${visible(outputs.join(", "))}`,
    ...(cost === undefined ? [] : ["", costText(cost), ""]),
    LABEL_NOTE,
  ].join("\n");
}

function costText(cost: ExportCost): string {
  const { split, nImages, checkpoint, exported, nChanged, maxDifference, meanDifference, nChangedClasses } =
    cost;
  const rows = [checkpoint, exported].map(({ accuracy, balancedAccuracy, nll }, i) => [
    i === 0 ? "checkpoint" : "this file",
    accuracy.toFixed(4),
    balancedAccuracy === null ? "-" : balancedAccuracy.toFixed(4),
    nll.toFixed(4),
  ]);
  return [
    `Agreement with the recorded label, ${split === "all" ? "all images" : `split ${split}`}: ${nImages.toLocaleString("en")} images`,
    alignColumns([["", "accuracy", "balanced accuracy", "NLL"], ...rows]),
    `p(male) differs by at most ${maxDifference.toExponential(1)}, by ${meanDifference.toExponential(1)} on average; ` +
      `${nChanged} decisions differ`,
    ...Object.entries(nChangedClasses).map(
      ([name, n]) => `${n} likeliest classes of ${visible(name)} differ`,
    ),
  ].join("\n");
}

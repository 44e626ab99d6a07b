// `facehand model convert`: upstream's PyTorch checkpoints to this package's, and the other way.

import { extname } from "node:path";
import type { Command } from "commander";
import { unexpected } from "../../core/errors.ts";
import { visible } from "../../core/visible.ts";
import { checkApart } from "../../machine/true-path.ts";
import { choiceText } from "../../models/files/weights.ts";
import { TAG_GRAMMAR } from "../../models/tags.ts";
import { modelConfigSchema, parseModelConfig } from "../../train/config.ts";
import { type Converted, readUpstream, writeConverted, writeForTorch } from "../../train/exchange/convert.ts";
import { configOptions } from "../config-options.ts";
import { type Context, jsonOption, verb } from "../context.ts";

interface Flags extends Record<string, unknown> {
  readonly out: string;
  readonly json?: boolean | undefined;
  readonly ema?: boolean | undefined;
}

/** `facehand model convert`. */
export function convertCommand({ print }: Context): Command {
  const command = verb(
    "convert",
    "convert a PyTorch checkpoint of UMCC or MAG to one of facehand's, or one of facehand's to PyTorch",
  ).argument(
    "<in>",
    "state dict (.pt, .pth, .safetensors); or a checkpoint or run folder, with --out NEW.pt",
  );
  for (const option of configOptions(modelConfigSchema)) command.addOption(option);
  return command
    .requiredOption("--out <file>", ".safetensors for a checkpoint, .pt or .pth for PyTorch")
    .option("--ema", "use the averaged weights, where the file has both averaged and trained ones")
    .option("--no-ema", "use the trained weights; without either flag: as timm's load_checkpoint chooses")
    .addOption(jsonOption())
    .addHelpText("after", `\n${TAG_GRAMMAR}`)
    .action(async (path: string, { out, json, ema, ...config }: Flags) => {
      checkApart(out, [path]);
      const converted = await convert(path, out, { config, ema });
      const { facts, specs, taken = null, leftOut = [] } = converted;
      const { arch, tag, pixels } = facts;
      const result = { out, arch, tag, tensors: specs.length, pixels, taken, leftOut };
      print(json === true ? JSON.stringify(result, null, 2) : toText(out, converted));
    });
}

interface Wanted {
  /** Flags of the model. */
  readonly config: Record<string, unknown>;
  readonly ema: boolean | undefined;
}

async function convert(path: string, out: string, { config, ema }: Wanted): Promise<Converted> {
  const ending = extname(out).toLowerCase();
  if (ending === ".safetensors") {
    const converted = await readUpstream(path, parseModelConfig(config), ema);
    await writeConverted(out, converted);
    return converted;
  }
  if (ending !== ".pt" && ending !== ".pth") {
    throw unexpected("input", {
      code: "FLAG",
      expected: ".safetensors, .pt or .pth",
      name: "--out",
      got: out,
    });
  }
  const [extra] = Object.keys(ema === undefined ? config : { ...config, ema });
  if (extra === undefined) return await writeForTorch(path, out);
  const expected = "no flags of the model, which are recorded in the checkpoint";
  throw unexpected("input", { code: "FLAG", expected, name: `--out ${ending}`, got: extra });
}

function toText(out: string, { facts, specs, weights, taken, leftOut = [] }: Converted): string {
  const source = choiceText(taken);
  const other =
    taken?.others.length === 0 ? "" : ` (${taken?.average === true ? "--no-ema" : "--ema"} takes the others)`;
  const { arch, tag, pixels } = facts;
  const values = specs.reduce((sum, { name }) => sum + weights.get(name)!.length, 0);
  const { sizePx, mean, std } = pixels;
  return [
    `${out}: ${visible(`${arch} ${tag}`)}, ${specs.length} tensors, ${values.toLocaleString("en")} values`,
    ...(source === undefined ? [] : [visible(`weights ${source}${other}`)]),
    `pixels  ${sizePx} px bilinear, mean ${mean.join(" ")}, std ${std.join(" ")}`,
    ...(leftOut.length === 0
      ? []
      : [`left out  ${visible(leftOut.join(", "))}: upstream's modules have no such heads`]),
  ].join("\n");
}

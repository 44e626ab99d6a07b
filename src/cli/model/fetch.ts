// `facehand model fetch`: a pretrained backbone, or a model that was pushed, from the Hugging Face hub into the cache.
import type { Command } from "commander";
import { isHubName } from "../../fetch/hub/repository.ts";
import { HUB_PREFIX, pixelsNamed } from "../../models/backbones/recipes.ts";
import { fetchPretrained, type HubOptions, type Pretrained } from "../../models/files/hub.ts";
import type { HubModel } from "../../models/files/hub-model.ts";
import { startBytes } from "../bytes-progress.ts";
import { type Context, jsonOption, verb } from "../context.ts";
import { fetchHubModel } from "../hub-model.ts";

interface Flags {
  readonly out?: string | undefined;
  readonly offline?: boolean | undefined;
  readonly json?: boolean | undefined;
}

/** `facehand model fetch`. */
export function fetchCommand(context: Context): Command {
  return verb(
    "fetch",
    "fetch a pretrained backbone from the Hugging Face hub, or a model that was pushed there, unless it was fetched before",
  )
    .argument(
      "<name>",
      "timm's name with its tag, e.g. tf_efficientnetv2_s.in1k; or hf:USER/NAME[@REVISION], asking which commit that is now",
    )
    .option("--out <dir>", "folder for this model's files (default: in the user's cache folder)")
    .option("--offline", "fetch nothing: use the files if they are there, fail if not")
    .addOption(jsonOption())
    .action(async (name: string, { out, offline, json }: Flags) => {
      const where = { dir: out, offline: offline ?? false };
      if (isHubName(name)) {
        const model = await fetchHubModel(context, name, { ...where, refresh: true });
        return context.print(json === true ? JSON.stringify(model, null, 2) : formatModel(model));
      }
      const found = await fetchWithProgress(context, name, where);
      context.print(json === true ? JSON.stringify(found, null, 2) : formatPretrained(found, out));
    });
}

/**
 * Fetches with a progress line.
 *
 * @throws as fetchPretrained
 */
export async function fetchWithProgress(
  { signal }: Pick<Context, "signal">,
  name: string,
  options: HubOptions = {},
): Promise<Pretrained> {
  const line = startBytes(name);
  try {
    return await fetchPretrained(name, { ...options, signal, onProgress: line.onProgress });
  } finally {
    line.done();
  }
}

function formatModel({ repository, commit, checkpoints }: HubModel): string {
  const lines = checkpoints.map(({ path }) => `checkpoint  ${path}`);
  const use = `use         facehand predict ${repository} photo.jpg --detect`;
  return [`${repository}  commit ${commit}`, ...lines, use].join("\n");
}

function formatPretrained(found: Pretrained, out: string | undefined): string {
  const { name, weights, sizeBytes, sha256, config } = found;
  const { sizePx, interpolation, cropPct, cropMode, mean, std } = config;
  const pixels = pixelsNamed(config);
  const source = out === undefined ? `${HUB_PREFIX}${name}` : weights;
  return [
    `${name}  ${(sizeBytes / 1e6).toFixed(1)} MB  SHA-256 ${sha256}`,
    `weights  ${weights}`,
    `pixels   ${sizePx} px ${interpolation}, ${cropMode} crop ${cropPct}, mean ${mean.join(" ")}, std ${std.join(" ")}`,
    `use      facehand train --weights ${source}${pixels === undefined ? "" : ` --pixels ${pixels}`} ...`,
  ].join("\n");
}

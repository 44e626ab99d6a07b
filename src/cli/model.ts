// `facehand model ...`: fetches pretrained backbones, shows and converts files of weights.
import type { Command } from "commander";
import { type Context, verb } from "./context.ts";
import { convertCommand } from "./model-convert.ts";
import { fetchCommand } from "./model-fetch.ts";
import { showCommand } from "./model-show.ts";

/** `facehand model`. */
export function modelCommand(context: Context): Command {
  return verb("model", "fetch pretrained backbones; show and convert files of weights")
    .addCommand(fetchCommand(context))
    .addCommand(showCommand(context))
    .addCommand(convertCommand(context));
}

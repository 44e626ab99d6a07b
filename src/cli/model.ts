// `facehand model ...`: fetches pretrained backbones.
import type { Command } from "commander";
import { type Context, verb } from "./context.ts";
import { fetchCommand } from "./model-fetch.ts";

/** `facehand model`. */
export function modelCommand(context: Context): Command {
  return verb("model", "fetch pretrained backbones").addCommand(fetchCommand(context));
}

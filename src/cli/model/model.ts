// `facehand model ...`: fetches pretrained backbones; shows, converts, exports, describes and publishes models.
import type { Command } from "commander";
import { type Context, verb } from "../context.ts";
import { cardCommand } from "./card.ts";
import { convertCommand } from "./convert.ts";
import { exportCommand } from "./export.ts";
import { fetchCommand } from "./fetch.ts";
import { listCommand } from "./list.ts";
import { pushCommand } from "./push.ts";
import { showCommand } from "./show.ts";

/** `facehand model`. */
export function modelCommand(context: Context): Command {
  return verb(
    "model",
    "list networks and fetch their weights; show, convert, export and push models; write model cards",
  )
    .addCommand(listCommand(context))
    .addCommand(fetchCommand(context))
    .addCommand(showCommand(context))
    .addCommand(convertCommand(context))
    .addCommand(exportCommand(context))
    .addCommand(cardCommand(context))
    .addCommand(pushCommand(context));
}

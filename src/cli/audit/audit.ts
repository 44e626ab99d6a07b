// `facehand audit`: what people judged about pairs, how far they agree, and the decisions that follow.
import type { Command } from "commander";
import { type Context, verb } from "../context.ts";
import { auditAgreementCommand } from "./agreement.ts";
import { auditResolveCommand } from "./resolve.ts";

/** `facehand audit`. */
export function auditCommand(context: Context): Command {
  return verb("audit", "people's judgements of pairs: how far they agree, and decisions for derive")
    .addCommand(auditAgreementCommand(context))
    .addCommand(auditResolveCommand(context));
}

// All verbs of the command line, in the order of --help.
import type { Command } from "commander";
import type { Context } from "./context.ts";
import { dataCommand } from "./data.ts";
import { demoCommand } from "./demo.ts";
import { deriveCommand } from "./derive.ts";
import { doctorCommand } from "./doctor.ts";
import { evaluateCommand } from "./evaluate.ts";
import { modelCommand } from "./model.ts";
import { predictCommand } from "./predict.ts";
import { releaseCommand } from "./release.ts";
import { studyCommand } from "./study.ts";
import { trainCommand } from "./train.ts";

/** The commands, bound to a context. */
export function commands(context: Context): Command[] {
  return [
    demoCommand(context),
    dataCommand(context),
    deriveCommand(context),
    trainCommand(context),
    evaluateCommand(context),
    predictCommand(context),
    studyCommand(context),
    modelCommand(context),
    releaseCommand(context),
    doctorCommand(context),
  ];
}

// All verbs of the command line, in the order of --help.
import type { Command } from "commander";
import { auditCommand } from "./audit/audit.ts";
import type { Context } from "./context.ts";
import { dataCommand } from "./data/data.ts";
import { demoCommand } from "./demo/demo.ts";
import { deriveCommand } from "./derive/derive.ts";
import { doctorCommand } from "./doctor/doctor.ts";
import { evaluateCommand } from "./evaluate/evaluate.ts";
import { modelCommand } from "./model/model.ts";
import { predictCommand } from "./predict/predict.ts";
import { releaseCommand } from "./release/release.ts";
import { studyCommand } from "./study/study.ts";
import { trainCommand } from "./train/train.ts";

/** The commands, bound to a context. */
export function commands(context: Context): Command[] {
  return [
    demoCommand(context),
    dataCommand(context),
    deriveCommand(context),
    auditCommand(context),
    trainCommand(context),
    evaluateCommand(context),
    predictCommand(context),
    studyCommand(context),
    modelCommand(context),
    releaseCommand(context),
    doctorCommand(context),
  ];
}

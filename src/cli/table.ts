// All verbs of the command line, in the order of --help. The code of all together takes longer to load than most commands
// take: of a command that names its verb, only that one is loaded.
import type { Command } from "commander";
import type { Context } from "./context.ts";
import { withHelp } from "./help/help.ts";

type Make = (context: Context) => Command;

const VERBS: Readonly<Record<string, () => Promise<Make>>> = {
  demo: async () => (await import("./demo/demo.ts")).demoCommand,
  data: async () => (await import("./data/data.ts")).dataCommand,
  derive: async () => (await import("./derive/derive.ts")).deriveCommand,
  audit: async () => (await import("./audit/audit.ts")).auditCommand,
  train: async () => (await import("./train/train.ts")).trainCommand,
  evaluate: async () => (await import("./evaluate/evaluate.ts")).evaluateCommand,
  predict: async () => (await import("./predict/predict.ts")).predictCommand,
  serve: async () => (await import("./serve/serve.ts")).serveCommand,
  study: async () => (await import("./study/study.ts")).studyCommand,
  model: async () => (await import("./model/model.ts")).modelCommand,
  release: async () => (await import("./release/release.ts")).releaseCommand,
  kernels: async () => (await import("./kernels/kernels.ts")).kernelsCommand,
  doctor: async () => (await import("./doctor/doctor.ts")).doctorCommand,
};

/**
 * The commands, bound to a context.
 *
 * @param word - the first of the command line: the verb that it names alone, or all of them if it names none
 */
export async function commands(context: Context, word?: string): Promise<Command[]> {
  const named = Object.entries(VERBS).filter(([name]) => name === word);
  const made: Command[] = [];
  for (const [, load] of named.length > 0 ? named : Object.entries(VERBS))
    made.push(withHelp((await load())(context)));
  return made;
}

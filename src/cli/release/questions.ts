// `facehand release questions`: what a dataset's publisher is asked, as a file to be filled in.
import type { Command } from "commander";
import { writeAtomic } from "../../machine/files.ts";
import { checkApart } from "../../machine/true-path.ts";
import { datasetFacts } from "../../release/facts.ts";
import { answersTemplate, openQuestions } from "../../release/questions.ts";
import { type Context, verb } from "../context.ts";
import { checkWithProgress } from "../data/check.ts";

/** `facehand release questions`. */
export function questionsCommand(context: Context): Command {
  return verb(
    "questions",
    "print the datasheet's questions that a dataset leaves open, as YAML for --answers",
  )
    .argument("<dir>", "dataset folder (with train.csv, val.csv, test.csv), or its parent")
    .option("--out <file>", "write it to this file instead")
    .action(async (dir: string, { out }: { readonly out?: string | undefined }) => {
      const checked = await checkWithProgress(context, dir);
      const text = answersTemplate({ facts: await datasetFacts(checked) });
      if (out === undefined) return context.print(text.trimEnd());
      checkApart(out, [checked.root]);
      await writeAtomic(out, text);
      context.print(`${openQuestions({ facts: await datasetFacts(checked) }).length} questions in ${out}`);
    });
}

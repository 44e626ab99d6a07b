// `facehand model card`: the card of a trained model.

import type { Command } from "commander";
import { REPLICATES } from "../../evaluate/intervals/intervals.ts";
import { writeAtomic } from "../../machine/files.ts";
import { severalSeeds } from "../../predict/run-folder.ts";
import { modelCard } from "../../release/model-card.ts";
import { seedsCard } from "../../release/model-card-seeds.ts";
import { seedRuns } from "../../train/seeds.ts";
import { type Context, isGiven, minSubjectsOption, verb, wholeNumber } from "../context.ts";

interface Flags {
  readonly out?: string | undefined;
  readonly bootstrap: number;
  readonly minSubjects: number;
}

/** `facehand model card`. */
export function cardCommand({ print }: Context): Command {
  return verb("card", "write the card of a trained model, with every number computed from its run folder")
    .argument("<run>", "run folder, or folder of seeds, whose figures are means over them")
    .option("--out <file>", "Markdown file (default: print it)")
    .option(
      "--bootstrap <n>",
      "bootstrap draws over subjects",
      wholeNumber("--bootstrap", 100, 1_000_000),
      REPLICATES,
    )
    .addOption(minSubjectsOption())
    .action(async (run: string, { out, bootstrap, minSubjects }: Flags, command: Command) => {
      const seeds = await seedRuns(run);
      if (seeds !== undefined && isGiven(command, "--bootstrap")) throw severalSeeds(seeds, "--bootstrap");
      const card = await (seeds === undefined
        ? modelCard(run, { replicates: bootstrap, minSubjects })
        : seedsCard(seeds, minSubjects));
      if (out === undefined) return print(card.trimEnd());
      await writeAtomic(out, card);
      print(out);
    });
}

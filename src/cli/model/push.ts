// `facehand model push`: a trained model to a model repository of the Hugging Face hub.
// Invariant: what is pushed is made in the cache, under a lock, and removed afterwards; what a kill leaves is cleared by the next.
import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { Command } from "commander";
import { hubName } from "../../fetch/hub/repository.ts";
import { cacheFolder } from "../../machine/cache.ts";
import { withLock } from "../../machine/lock.ts";
import { makeFolders } from "../../machine/make-folders.ts";
import { MODEL_CONFIG } from "../../models/files/hub-model.ts";
import { writeModelRepository } from "../../release/model-repository.ts";
import { type Context, minSubjectsOption, verb } from "../context.ts";
import { type PushFlags, pushTarget, pushWithProgress, withPush } from "../hub-push.ts";
import { packageVersion } from "../version.ts";

interface Flags extends PushFlags {
  readonly licence: string;
  readonly minSubjects: number;
}

/** `facehand model push`. */
export function pushCommand(context: Context): Command {
  return withPush(
    verb(
      "push",
      "push a trained model to the Hugging Face hub: checkpoint, ONNX, card, what is needed to load it",
    )
      .argument("<repository>", "hf:USER/NAME; made if it does not exist")
      .argument("<run>", "folder of a finished run, or folder of seeds")
      .requiredOption("--licence <name>", "the model's licence, which its data binds: an SPDX name, or words")
      .addOption(minSubjectsOption()),
  ).action(async (repository: string, run: string, flags: Flags) => {
    const to = pushTarget(repository, "model");
    const dir = join(cacheFolder(), "push", to.name.replace("/", "--"));
    const clear = () => rm(dir, { recursive: true, force: true });
    await withLock(dir, `the folder ${dir}`, async () => {
      await clear();
      await makeFolders(dir);
      try {
        const { licence, minSubjects } = flags;
        const about = { repository: hubName(to), madeBy: packageVersion(), licence, minSubjects };
        const { tag, files } = await writeModelRepository(run, dir, about);
        const message = `${tag}, by facehand ${packageVersion()}`;
        await pushWithProgress(context, to, files, flags, { marker: MODEL_CONFIG, message });
      } finally {
        await clear();
      }
    });
  });
}

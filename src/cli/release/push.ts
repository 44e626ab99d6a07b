// `facehand release push`: a bundle to a dataset repository of the Hugging Face hub.
import type { Command } from "commander";
import { planLayout } from "../../dataset/layout.ts";
import { refuseErased } from "../../derive/judge/remains.ts";
import { BUNDLE_NOTE, readBundle } from "../../release/push-bundle.ts";
import { startBytes } from "../bytes-progress.ts";
import { type Context, verb } from "../context.ts";
import { refusingOption } from "../erases.ts";
import { type PushFlags, pushTarget, pushWithProgress, withPush } from "../hub-push.ts";
import { packageVersion } from "../version.ts";

interface Flags extends PushFlags {
  readonly decisions?: string | undefined;
}

/** `facehand release push`. */
export function pushCommand(context: Context): Command {
  return withPush(
    verb("push", "push a bundle to a dataset repository of the Hugging Face hub; continues what was cut")
      .argument("<repository>", "hf:datasets/USER/NAME; made if it does not exist")
      .argument("<bundle>", "folder that `release bundle` wrote")
      .addOption(refusingOption()),
  ).action(async (repository: string, dir: string, flags: Flags) => {
    const to = pushTarget(repository, "dataset");
    const line = startBytes("check");
    const read = async () => {
      try {
        return await readBundle(dir, { signal: context.signal, onProgress: line.onProgress });
      } finally {
        line.done();
      }
    };
    const { info, files } = await read();
    if (flags.decisions !== undefined) await refuseErased(planLayout(dir), flags.decisions);
    const message = `${info.name} ${info.version}, by facehand ${packageVersion()}`;
    await pushWithProgress(context, to, files, flags, { marker: BUNDLE_NOTE, message });
  });
}

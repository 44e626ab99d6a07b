// `facehand release space`: a page that predicts by one model, for any web host.
import type { Command } from "commander";
import { writeSpace } from "../../server/space.ts";
import { type Context, jsonOption, verb } from "../context.ts";
import { packageVersion } from "../version.ts";

interface Flags {
  readonly out: string;
  readonly title: string;
  readonly licence: string;
  readonly json?: boolean | undefined;
}

/** `facehand release space`. */
export function spaceCommand(context: Context): Command {
  return verb(
    "space",
    "write a page that predicts by a run's model, with its card, as files for any web host",
  )
    .argument("<run>", "folder of a finished run")
    .requiredOption("--out <dir>", "new folder; appears complete or not at all")
    .requiredOption("--title <name>", "name of the page and of the model")
    .requiredOption("--licence <name>", "the model's licence, which its data binds: an SPDX name, or words")
    .addOption(jsonOption())
    .action(async (run: string, { out, title, licence, json }: Flags) => {
      const made = await writeSpace(run, out, { title, licence, version: packageVersion() });
      const text = `${made.files} files, ${(made.bytes / 2 ** 20).toFixed(1)} MiB in ${out}; any web server can serve them, also from a subfolder (headers: README.md)`;
      context.print(json === true ? JSON.stringify({ out, ...made }, null, 2) : text);
    });
}

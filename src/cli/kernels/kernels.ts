// `facehand kernels`: operators that are compiled on this machine, for `train --kernels`.
import type { Command } from "commander";
import { buildKernels } from "../../engine/kernels/build.ts";
import { type Context, jsonOption, verb } from "../context.ts";

/** `facehand kernels`. */
export function kernelsCommand(context: Context): Command {
  return verb(
    "kernels",
    "operators for training that this machine's compiler makes, for train --kernels",
  ).addCommand(buildCommand(context));
}

/** `facehand kernels build`. */
function buildCommand({ print, signal }: Context): Command {
  return verb(
    "build",
    "compile operators for training by the C++ compiler of this machine into the user's cache, unless they are there",
  )
    .addOption(jsonOption())
    .addHelpText(
      "after",
      "\nNeeds Linux on x86-64, a processor with AVX2 and FMA or with AVX-512, and GCC 11, Clang 12 or later.\nNothing but train --kernels native uses them.",
    )
    .action(async ({ json }: { json?: boolean | undefined }) => {
      const made = await buildKernels({ signal });
      if (json === true) return print(JSON.stringify(made, null, 2));
      print(`${made.built ? "built" : "there already"}: ${made.path}\nby ${made.compiler}`);
    });
}

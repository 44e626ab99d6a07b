// What a retraction writes beside its new folder, since a dataset's folder is published: the list to be signed, and people's judgements
// without those about the person. Invariant: nothing that somebody else wrote, or signed, is replaced.
import { annotationsOf } from "../../audit/log.ts";
import { unexpected } from "../../core/errors.ts";
import { exists, readText, writeAtomic } from "../../machine/files.ts";
import { sweepBeside } from "../../machine/temporary.ts";
import { truePath } from "../../machine/true-path.ts";
import type { Seen } from "./seen.ts";
import { type Facts, signOffJson, signOffText } from "./sign-off.ts";
import type { Taken } from "./taken.ts";
import { judgementsWithout } from "./texts.ts";

const listOf = (dir: string, ending: "json" | "md") => `${dir}.retraction.${ending}`;

/** Files beside a dataset's folder that are about it. */
export const besidesOf = (dir: string): string[] => [
  annotationsOf(dir),
  listOf(dir, "json"),
  listOf(dir, "md"),
];

/**
 * Writes them.
 *
 * @returns their paths
 * @throws AppError("input", "BESIDE_EXISTS") if another file stands in the place of one
 */
export async function writeBesides(
  root: string,
  out: string,
  { taken, facts, seen }: { readonly taken: Taken; readonly facts: Facts; readonly seen: Seen },
): Promise<string[]> {
  const place = truePath(out);
  const texts = new Map<string, string>();
  const log = annotationsOf(root);
  if (await exists(log)) texts.set(annotationsOf(place), await judgementsWithout(log, taken.erasure));
  texts.set(listOf(place, "md"), signOffText(facts, seen));
  texts.set(listOf(place, "json"), `${JSON.stringify(signOffJson(facts, seen), null, 2)}\n`);
  for (const [path, text] of texts) await checkFree(path, text);
  for (const [path, text] of texts) {
    await sweepBeside(path);
    await writeAtomic(path, text);
  }
  return [...texts.keys()];
}

/** The same text is what a kill left of this very command. */
async function checkFree(path: string, text: string): Promise<void> {
  if (!(await exists(path)) || (await readText(path, "a file")) === text) return;
  throw unexpected("input", {
    code: "BESIDE_EXISTS",
    expected: `nothing at ${path}, where this retraction writes`,
    name: "--out",
    got: "another file",
    hint: "move it away, or give another folder",
  });
}

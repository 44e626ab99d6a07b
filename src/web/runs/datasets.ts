// ◇ Browser-safe. Where the crops lie that a run predicted: datasets of the listing that may be the one it learnt from.
import type { Thing } from "../../server/api.ts";
import type { Run } from "./configurations.ts";

/** Datasets that may have a run's images, the likeliest first: by recipe, then by number of images, then by name. */
export function candidatesOf({ run }: Run, things: readonly Thing[]): Thing[] {
  const sources = run.sources.filter(({ kind }) => kind === "pairs");
  const likeness = ({ dataset, place }: Thing) =>
    Math.max(
      ...sources.map(({ name, images, recipeHash }) => {
        const pairs =
          dataset === undefined ? undefined : Object.values(dataset.pairs).reduce((a, b) => a + b, 0);
        const isRecipe = recipeHash !== undefined && recipeHash === dataset?.recipeHash;
        const isSize = images !== undefined && pairs !== undefined && images === 2 * pairs;
        return 4 * Number(isRecipe) + 2 * Number(isSize) + Number(place.split(/[\\/]/).at(-1) === name);
      }),
      0,
    );
  return things
    .filter((thing) => thing.kind === "dataset" && thing.trouble === undefined && likeness(thing) > 0)
    .sort((a, b) => likeness(b) - likeness(a));
}

/** The id of the pair that an image is of. */
export const pairOf = (id: string): string => id.replace(/\/(hand|face)$/, "");

// All campaigns of `npm run harden`, in the order of its table.
import type { Campaign } from "./campaign.ts";
import { disks } from "./disks.ts";
import { downloads } from "./downloads.ts";
import { handles } from "./handles.ts";
import { judging } from "./judging.ts";
import { kills } from "./kills.ts";
import { mutants } from "./mutants.ts";
import { pushes } from "./pushes.ts";
import { races } from "./races.ts";

/** What `npm run harden` runs where no name is given. */
export const CAMPAIGNS: readonly Campaign[] = [
  kills,
  races,
  handles,
  downloads,
  pushes,
  mutants,
  disks,
  judging,
];

// `facehand data repair`: shows what it would change; `--apply` changes it.

import type { Command } from "commander";
import { show } from "../../core/errors.ts";
import { startProgress } from "../../core/progress.ts";
import { visible } from "../../core/visible.ts";
import { applyRepair, finishRepair, isRepairPending } from "../../dataset/check/repair.ts";
import { planRepair, type RepairPlan } from "../../dataset/check/repair-plan.ts";
import { locate } from "../../dataset/layout.ts";
import { withLock } from "../../machine/lock.ts";
import { type Context, jsonOption, verb } from "../context.ts";

interface Flags {
  readonly apply?: boolean | undefined;
  readonly json?: boolean | undefined;
}

/** `facehand data repair`. */
export function repairCommand(context: Context): Command {
  return verb("repair", "repair what needs no decision; without --apply, only print what would be changed")
    .argument("<dir>", "dataset folder (with train.csv, val.csv, test.csv), or its parent")
    .option("--apply", "make the changes; images are moved to removed/, never deleted")
    .addOption(jsonOption())
    .action(async (dir: string, { apply, json }: Flags) => {
      const work = async () => {
        const finished = await finishPending(context, dir, apply === true);
        const plan = await planRepair(dir);
        if (apply === true && plan.repairs.length > 0) await applyWithProgress(context, plan);
        return { plan, finished };
      };
      const { root } = await locate(dir);
      const { plan, finished } = await (apply === true
        ? withLock(root, `the dataset ${root}`, work)
        : work());
      const text = json === true ? toJson(plan, apply === true) : toText(plan, apply === true);
      context.print(finished ? `${text}\nA repair that had been stopped was finished first` : text);
    });
}

/** Finishes a stopped repair if changes are allowed, and reports it if not. */
async function finishPending({ signal, report }: Context, dir: string, apply: boolean): Promise<boolean> {
  const { root } = await locate(dir);
  if (!(await isRepairPending(root))) return false;
  if (apply) await finishRepair(root, { signal });
  else report(`A repair of ${root} was stopped; --apply finishes it first`);
  return apply;
}

async function applyWithProgress({ signal }: Context, plan: RepairPlan): Promise<void> {
  const progress = startProgress("repair", plan.moves.length + plan.tables.size + 1, { unit: "files" });
  try {
    await applyRepair(plan, { signal, onMove: () => progress.tick() });
  } finally {
    progress.done();
  }
}

function toJson({ layout, repairs, left }: RepairPlan, applied: boolean): string {
  return JSON.stringify({ root: layout.root, applied, repairs, left }, null, 2);
}

function toText({ layout, repairs, left }: RepairPlan, applied: boolean): string {
  const done = applied ? "" : "would be ";
  const groups = new Map<string, number>();
  for (const { what, file, reason } of repairs) {
    const key = `${what === "image" ? "images" : file}  ${reason}`;
    groups.set(key, (groups.get(key) ?? 0) + 1);
  }
  const lines = [...groups].map(([key, count]) => `  ${visible(key)}  ${count}`);
  const first = repairs.slice(0, 10).map(({ what, file, row, before, after }) => {
    const place = row === "" ? file : `${file}:${row}`;
    return visible(`  ${what} ${place}: ${show(before)} -> ${after === "" ? "taken out" : show(after)}`);
  });
  const more = repairs.length > 10 ? [`  … and ${repairs.length - 10} more (--json has all)`] : [];
  const decisions = left.slice(0, 10).map(({ message }) => `  ${message}`);
  const others = left.length > 10 ? [`  … and ${left.length - 10} more (--json has all)`] : [];
  return [
    layout.root,
    `${repairs.length} changes ${done}made`,
    ...lines,
    ...(repairs.length === 0 ? [] : ["", ...first, ...more, ""]),
    `${left.length} findings need a decision and were left alone`,
    ...decisions,
    ...others,
    ...(repairs.length === 0
      ? []
      : [
          applied
            ? "Every change is in removed/repairs.csv"
            : "Nothing was changed: --apply makes the changes",
        ]),
  ].join("\n");
}

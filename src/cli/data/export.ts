// `facehand data export` and `facehand data import`: a dataset in forms that other programs read, and back.
import type { Command } from "commander";
import { unexpected } from "../../core/errors.ts";
import { startProgress } from "../../core/progress.ts";
import { visible } from "../../core/visible.ts";
import { SPLITS } from "../../core/words.ts";
import { EXPORT_KINDS, type ExportNote, type ExportOptions } from "../../dataset/export/common.ts";
import { exportDataset, importDataset } from "../../dataset/export/export.ts";
import { locate } from "../../dataset/layout.ts";
import { countRemoved } from "../../dataset/pack.ts";
import { refuseErased } from "../../derive/judge/remains.ts";
import { count } from "../../report/figure-text.ts";
import { type Context, jsonOption, onlyWith, verb, wholeNumber } from "../context.ts";
import { erasesText, refusingOption } from "../erases.ts";

interface ExportFlags {
  readonly parquet?: boolean | undefined;
  readonly webdataset?: boolean | undefined;
  readonly imagefolder?: boolean | undefined;
  readonly shardMb: number;
  readonly withRemoved?: boolean | undefined;
  readonly decisions?: string | undefined;
  readonly out: string;
  readonly json?: boolean | undefined;
}

/** `facehand data export`. */
export function exportCommand(context: Context): Command {
  return verb("export", "write a dataset, with its images, as Parquet, WebDataset shards or an image folder")
    .argument("<dir>", "dataset folder (with train.csv, val.csv, test.csv), or its parent")
    .option("--parquet", "Parquet shards with the images inside (Hugging Face)")
    .option("--webdataset", "tar shards: <key>.hand.jpg, <key>.face.jpg, <key>.json")
    .option("--imagefolder", "image folders with metadata.parquet (Hugging Face)")
    .option("--shard-mb <n>", "size of a shard, MiB", wholeNumber("--shard-mb", 1, 100_000), 256)
    .option("--with-removed", "also export the crops that cleaning removed, as zip archives")
    .addOption(refusingOption())
    .requiredOption("--out <dir>", "new folder; appears complete or not at all")
    .addOption(jsonOption())
    .action(async (dir: string, flags: ExportFlags, command: Command) => {
      onlyWith(command, "--shard-mb", "--parquet or --webdataset", flags.imagefolder !== true);
      const kinds = EXPORT_KINDS.filter((kind) => flags[kind] === true);
      const [kind] = kinds;
      if (kind === undefined || kinds.length > 1) {
        const got = kinds.length === 0 ? undefined : kinds.map((one) => `--${one}`).join(" ");
        const expected = "one of --parquet, --webdataset and --imagefolder";
        throw unexpected("input", { code: "FLAG", expected, name: "data export", got });
      }
      const erases = flags.decisions === undefined ? undefined : await refuseErased(dir, flags.decisions);
      const task = { label: "export", what: `of ${dir} as ${kind}`, out: flags.out };
      const note = await withProgress(context, task, (options) =>
        exportDataset(dir, kind, flags.out, {
          ...options,
          shardBytes: flags.shardMb * 2 ** 20,
          withRemoved: flags.withRemoved === true,
        }),
      );
      const left = flags.withRemoved === true ? 0 : await countRemoved(await locate(dir));
      if (flags.json === true)
        return context.print(JSON.stringify({ out: flags.out, ...note, erases }, null, 2));
      const lines = [
        ...(left === 0
          ? []
          : [`${left} crops that cleaning removed are left out; --with-removed exports them`]),
        ...erasesText(erases, flags.decisions),
      ];
      context.print([toText(note, flags.out, false), ...lines].join("\n"));
    });
}

/** `facehand data import`. */
export function importCommand(context: Context): Command {
  return verb("import", "make a dataset again from what data export wrote, without loss")
    .argument("<dir>", "folder that data export wrote, of any kind")
    .requiredOption("--out <dir>", "new folder for the dataset; appears complete or not at all")
    .addOption(jsonOption())
    .action(
      async (dir: string, { out, json }: { readonly out: string; readonly json?: boolean | undefined }) => {
        const note = await withProgress(context, { label: "import", what: `of ${dir}`, out }, (options) =>
          importDataset(dir, out, options),
        );
        context.print(toText(note, out, json));
      },
    );
}

async function withProgress<T>(
  { signal, report }: Context,
  { label, what, out }: { readonly label: string; readonly what: string; readonly out: string },
  work: (options: ExportOptions) => Promise<T>,
): Promise<T> {
  let progress: ReturnType<typeof startProgress> | undefined;
  let [total, begun] = [0, false];
  try {
    return await work({
      signal,
      onTotal: (pairs) => {
        total = pairs;
        progress = startProgress(label, pairs, { unit: "pairs" });
      },
      onPair: () => {
        if (!begun) report(visible(`${label}: ${count(total)} pairs ${what}, into ${out}`));
        begun = true; // not before: what is refused has begun nothing
        progress?.tick();
      },
    });
  } finally {
    progress?.done();
  }
}

function toText(note: ExportNote, out: string, json: boolean | undefined): string {
  if (json === true) return JSON.stringify({ out, ...note }, null, 2);
  const pairs = SPLITS.map((split) => `${note.pairs[split]} ${split}`).join(", ");
  const files = Object.keys(note.files).length;
  return `${pairs} pairs in ${out} (${note.kind}, ${files} files with their SHA-256 in facehand-export.json)`;
}

// In which group of `--help` a flag stands. One table for all verbs: a flag means the same kind of thing everywhere, but
// for the few that a verb's own line moves. test/cli/help.test.ts refuses a flag without a group.

/** Headings, in the order of printing. */
export const HELP_GROUPS = [
  "Data",
  "Crops and cleaning",
  "Model",
  "Optimisation",
  "Figures",
  "Machine",
  "Output",
] as const;
export type HelpGroup = (typeof HELP_GROUPS)[number];

const FLAGS: Readonly<Record<HelpGroup, string>> = {
  Data: `hagrid gestures meta decisions annotations data test-data split split-seed splits val test modality join
    predictions min best-umcc best-mag images mirror name sha256 keep-archives drive-endpoint subjects frames against
    other-recipe only licence release date creator url title with-removed with-pictures hash-subjects key subject reason runs
    branch message private replace parquet no-parquet webdataset imagefolder shard-mb answers apply age-edges`,
  "Crops and cleaning": `face-model face-landmarks hand-model hand-crop rule no-rule size detect pictures`,
  Model: `arch tag weights backbone image-size pixels padding bn-eps global-pool targets drop-rate drop-path-rate ema
    no-ema onnx fp16 int8 offline`,
  Optimisation: `epochs frozen-epochs start-size start-strength phases last-epochs patience batch accumulate lr layer-decay min-lr warmup-epochs weight-decay decay-all clip-norm
    label-smoothing mixup aa age-weight race-weight seed seeds`,
  Figures: `groups group-intervals bootstrap min-subjects calibrate thresholds selective examples k metric values mean
    std n rows`,
  Machine: `device threads workers memory resume executor shard shards sbatch max-parallel retries fail-fast jobs port
    host prune no-measure kernels`,
  Output: `config print-config out report csv json tensorboard all check dry-run open log help`,
};

const GROUP_OF: ReadonlyMap<string, HelpGroup> = new Map(
  HELP_GROUPS.flatMap((group) => FLAGS[group].split(/\s+/).map((name) => [`--${name}`, group] as const)),
);

/** Flags that stand elsewhere in one verb. */
const ELSEWHERE: Readonly<Record<string, HelpGroup>> = {
  "derive --seed": "Data", // of the split
  "study best --arch": "Data", // which cells
  "train --ema": "Optimisation", // convert's takes weights from a file
  "study plan --ema": "Optimisation",
  "study run --ema": "Optimisation",
};

/**
 * The group of a verb's flag; undefined for one that the table does not have.
 *
 * @param verb - e.g. `study run`
 * @param flag - long name
 */
export function groupOf(verb: string, flag: string): HelpGroup | undefined {
  return ELSEWHERE[`${verb} ${flag}`] ?? GROUP_OF.get(flag);
}

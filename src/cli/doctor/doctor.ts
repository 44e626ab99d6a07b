// `facehand doctor`: what this machine has, what is missing, and the command that installs it; --prune removes what is not needed.
// Invariant: what is missing is a line of advice, not an error; it fails only where it was asked to remove something and may not.
import { type Command, Option } from "commander";
import { visible } from "../../core/visible.ts";
import { type ForeignLibraries, removeForeignLibraries } from "../../engine/runtime/foreign-libraries.ts";
import { cudaInstall } from "../../engine/runtime/ort-node.ts";
import { type Context, jsonOption, verb } from "../context.ts";
import { type MachineFacts, machineFacts } from "./facts.ts";

/** Something that is missing. */
export interface Advice {
  readonly missing: string;
  /** What to do, a command where there is one. */
  readonly remedy: string;
}

/** `facehand doctor`. */
export function doctorCommand({ print }: Context): Command {
  return verb("doctor", "report what this machine has for facehand, what is missing, and how to get it")
    .addOption(
      new Option("--prune", "remove ONNX Runtime's libraries for other systems from this installation"),
    )
    .addOption(jsonOption())
    .action(async ({ json, prune }: { json?: boolean | undefined; prune?: boolean | undefined }) => {
      const pruned = prune === true ? await removeForeignLibraries() : undefined;
      const facts = await machineFacts();
      const advice = advise(facts);
      if (json === true) return print(JSON.stringify({ ...facts, advice, pruned }, null, 2));
      const removed = pruned === undefined ? [] : [`${formatPruned(pruned)}\n`];
      print([...removed, formatFacts(facts, advice)].join("\n"));
    });
}

/** What `--prune` did. */
export function formatPruned(pruned: readonly ForeignLibraries[]): string {
  const own = `${process.platform}/${process.arch}`;
  if (pruned.length === 0) return `Nothing to remove: ONNX Runtime has libraries for ${own} only`;
  return `Removed ${mb(pruned)} of ONNX Runtime for ${names(pruned)}; this installation now runs on ${own} only`;
}

const names = (libraries: readonly ForeignLibraries[]) => libraries.map(({ system }) => system).join(", ");
const mb = (libraries: readonly ForeignLibraries[]) =>
  `${(libraries.reduce((sum, { bytes }) => sum + bytes, 0) / 1e6).toFixed(0)} MB`;

const GB = 1e9;
/** A run with its checkpoints and caches, and a backbone's weights. */
const DISK_GB = 2;
/** Training at 224 px with the smallest useful batch. */
const MEMORY_GB = 4;

/**
 * What is missing on a machine, the most important first.
 *
 * @example advise(await machineFacts()) // [] where nothing is
 */
export function advise(facts: MachineFacts): Advice[] {
  const { node, memory, runtime, gpus, disks } = facts;
  const advice: Advice[] = [];
  const when = (missing: boolean, what: string, remedy: string) => {
    if (missing) advice.push({ missing: what, remedy });
  };
  when(older(node.version, node.floor), `Node ${node.floor} or later`, "install it from https://nodejs.org");
  when(
    runtime.block === null,
    "the processor's fast path (NCHWc operators): training takes longer",
    "use a machine with AVX2 or later, or an ARM64 one",
  );
  when(memory.totalBytes < MEMORY_GB * GB, `${MEMORY_GB} GB of memory`, "train with a smaller --batch");
  for (const { path, freeBytes } of [disks.here, disks.cache]) {
    const full = freeBytes !== null && freeBytes < DISK_GB * GB;
    when(full, `${DISK_GB} GB of free disk at ${path}`, "free some, or work elsewhere");
  }
  const cuda = runtime.devices.find(({ device }) => device === "cuda");
  const listed = runtime.backends.find(({ name }) => name === "cuda");
  when(
    gpus.length > 0 && listed?.installed === false,
    `the CUDA libraries of ONNX Runtime for ${gpus[0]}`,
    `${cudaInstall()} (needs CUDA 12 and cuDNN 9)`,
  );
  if (gpus.length > 0 && listed?.installed === true && cuda?.runs === false) {
    when(true, `CUDA for ${gpus[0]}: ${cuda.reason}`, cuda.hint);
  }
  return advice;
}

/** Compares the numbers of `20.19` and `20.19.1`. */
function older(version: string, floor: string): boolean {
  const [have, need] = [version, floor].map((text) => text.split(".").map(Number));
  for (const [i, part] of need!.entries()) if ((have![i] ?? 0) !== part) return (have![i] ?? 0) < part;
  return false;
}

const gb = (bytes: number | null) => (bytes === null ? "unknown" : `${(bytes / GB).toFixed(1)} GB`);

function formatFacts(facts: MachineFacts, advice: readonly Advice[]): string {
  const { cpu, memory, runtime, gpus, images, disks, models, python } = facts;
  const vectors = cpu.vectors === null ? "" : `, ${cpu.vectors === "none" ? "no AVX" : cpu.vectors}`;
  const block = runtime.block === null ? "none: plain lowering" : `${runtime.block} channels per block`;
  const rows = [
    ["facehand", facts.version],
    ["Node", `${facts.node.version} (at least ${facts.node.floor}), ${facts.platform}`],
    ["processor", `${cpu.model}, ${cpu.cores} cores${vectors}`],
    ["memory", `${gb(memory.totalBytes)}, ${gb(memory.freeBytes)} free`],
    ["ONNX Runtime", `${runtime.version}, fast path ${block}`],
    ...runtime.devices.map((state) => [`  ${state.device}`, state.runs ? "runs" : `no: ${state.reason}`]),
    ...(runtime.foreign.length === 0
      ? []
      : [
          [
            "  not for here",
            `${mb(runtime.foreign)} for ${names(runtime.foreign)}: doctor --prune removes them`,
          ],
        ]),
    ["  native kernels", runtime.kernels],
    ["NVIDIA GPU", gpus.length === 0 ? "none" : gpus.join(", ")],
    ["images", `sharp ${images.sharp}, libvips ${images.vips}`],
    ["disk here", `${gb(disks.here.freeBytes)} free`],
    ["cache", `${disks.cache.path}, ${gb(disks.cache.freeBytes)} free`],
    ...models.map(({ name, sizeBytes }) => [`  ${name}`, `${(sizeBytes / 1e6).toFixed(1)} MB`]),
    [
      "PyTorch",
      python === null ? "none (optional: only comparisons need it)" : `${python.torch} (${python.path})`,
    ],
  ];
  const missing = advice.flatMap(({ missing, remedy }) => [`missing: ${missing}`, `Try: ${remedy}`]);
  return [table(rows), ...(missing.length === 0 ? ["nothing is missing"] : missing)].join("\n");
}

/** Both columns flush left. */
function table(rows: readonly (readonly string[])[]): string {
  const width = Math.max(...rows.map(([name]) => name!.length));
  return rows.map(([name, text]) => `${name!.padEnd(width)}  ${visible(text!)}`).join("\n");
}

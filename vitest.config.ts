import { defineConfig } from "vitest/config";
import { builtEntries } from "./test/built-entries.ts";
import { SlowFirst } from "./test/slow-first.ts";
import { tmpInMemory } from "./test/tmp.ts";

const LATER = ["test/slurm/**", "test/large/**"]; // by `npm run test:slurm`, which starts a cluster, and `test:large`

/**
 * Files whose tests change what others see, or look at what others change: the environment, signals and streams of the
 * process, its threads, children, memory and open files. Each has a process of its own, which takes a second of processor
 * time to load what the file imports: a file that only runs the command line (`test/cli/run.ts`) needs none.
 */
const ALONE = [
  "test/{api,bench,handles,harden,install,killed-steps,mutants,readme-code,same-bytes,scripts}.test.ts",
  "test/{telemetry,webgpu}.test.ts",
  "test/cli/{demo,doctor,exit-codes,hub,kernels,killed,push-killed,locked,model-fetch,secrets,serve,streams,train-batch}.test.ts",
  "test/cli/upstream.test.ts",
  "test/parity/models*.test.ts", // hundreds of megabytes
  "src/engine/{kernels,runtime}/**/*.test.ts",
  "src/engine/lower/nchwc/own-conv.test.ts",
  "src/dataset/pack.test.ts",
  "src/dataset/loader/**/*.test.ts",
  "src/derive/run/{faults,work}.test.ts",
  "src/formats/parquet/hostile.test.ts",
  "src/formats/safetensors.test.ts", // a session of ONNX Runtime leaves its thread without numbers under 1.2e-38
  "src/formats/torch/torch.test.ts",
  "src/machine/{lock,pool,unsettled}.test.ts",
  "src/machine/slurm/**/*.test.ts",
  "src/models/files/hub.test.ts",
  "src/pixels/image.test.ts",
  "src/predict/photos.test.ts",
  "src/studies/plan/plan.test.ts",
  "src/studies/run/**/*.test.ts",
];

/** They share the browsers of their processes (`test/browser/chromium.ts`), and change nothing that others of them see. */
const BROWSER = ["test/browser/**/*.test.ts"];

/** Workers of a project, but where whoever starts the tests chooses how many: the project's own would win. */
const workers = (most: number) =>
  process.env["VITEST_MAX_WORKERS"] !== undefined ||
  process.argv.some((word) => /^--(max-?workers|(no-)?file-?parallelism)\b/i.test(word))
    ? {}
    : { maxWorkers: most };

/**
 * How V8 works in tests, where most code runs a few times: it optimises what runs often eight times later than it does by itself,
 * and begins with the young generation that it would grow to: a tenth of the processor time of four files of calculations. A heap
 * that begins at half a gigabyte is marked less often, where large arrays come and go: a tenth of that of the trainings in flags.test.ts.
 */
const V8 = ["--interrupt-budget=500000", "--min-semi-space-size=16", "--initial-heap-size=512"];

export default defineConfig({
  plugins: [builtEntries()],
  test: {
    setupFiles: ["test/same-bytes.ts"],
    env: tmpInMemory(),
    // A process for each file loads all modules anew: the other files share the processes of their workers.
    projects: [
      // Files of the first two wait for pages, processes and disks, mostly one thing at a time: two of them leave a third of two cores
      // idle. Those that share processes come by themselves: such a process is lost, with all that it has loaded and started, when a
      // file of another project comes between two of its own.
      {
        extends: true,
        test: {
          ...{ name: "browser", include: BROWSER, isolate: false },
          ...workers(3),
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          ...{ name: "alone", include: ALONE, exclude: LATER },
          ...workers(3),
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: "shared",
          include: ["src/**/*.test.ts", "test/**/*.test.ts"],
          exclude: [...ALONE, ...BROWSER, ...LATER],
          isolate: false,
          // Native sessions use both cores already; more workers only fight for them.
          ...workers(2),
          sequence: { groupOrder: 2 },
        },
      },
    ],
    execArgv: V8,
    sequence: { sequencer: SlowFirst },
    // What `expect.poll` waits for comes, however slow the machine: as long as Playwright waits. Its own second is for pages that nothing else slows.
    expect: { poll: { timeout: 30_000 } },
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
});

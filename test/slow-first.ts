// The slowest files of tests first: on two cores, one that begins last leaves the other core idle for minutes. Vitest goes
// by durations of the last run, which a new clone has none of, then by size, which is a poor guide (a loop over
// networks is short). Those with a process of their own come before those that share one: a shared process is lost, with all
// that it has loaded, when another file comes between two of its own.
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** Those that take over ten seconds on two cores, slowest first; `npm test` prints the durations. */
const SLOWEST = [
  // a process each
  "test/parity/models-odd.test.ts",
  "test/killed-steps.test.ts",
  "test/install.test.ts",
  "test/browser/audit.test.ts",
  "test/bench.test.ts",
  "test/cli/demo.test.ts",
  "test/cli/streams.test.ts",
  "test/cli/locked.test.ts",
  "test/cli/upstream.test.ts",
  "src/derive/run/faults.test.ts",
  "src/studies/run/runner.test.ts",
  "test/parity/models.test.ts",
  "test/browser/tune.test.ts",
  "test/browser/runs.test.ts",
  "test/browser/pair.test.ts",
  "test/browser/pairs.test.ts",
  "test/handles.test.ts",
  "test/api.test.ts",
  "test/harden.test.ts",
  "test/browser/ort-web.test.ts",
  "test/browser/decode-image.test.ts",
  "test/browser/page-example.test.ts",
  "test/browser/home.test.ts",
  "test/browser/audit-kills.test.ts",
  "test/mutants.test.ts",
  "test/cli/killed.test.ts",
  // shared processes
  "test/cli/study-protocols.test.ts",
  "test/cli/flags.test.ts",
  "src/derive/judge/erase.test.ts",
  "src/derive/hagrid/reference.test.ts",
  "test/cli/erase.test.ts",
  "test/cli/derive-decide.test.ts",
  "src/derive/run/pipeline.test.ts",
  "src/formats/zip/archive.test.ts",
  "test/cli/release.test.ts",
  "test/cli/terminal.test.ts",
  "src/dataset/export/export.test.ts",
  "src/train/loop.test.ts",
  "test/cli/predict.test.ts",
  "src/formats/torch/hostile.test.ts",
  "src/derive/run/shard.test.ts",
  "src/evaluate/intervals/coverage.test.ts",
];

/** Vitest's order, but for the slowest. */
export class SlowFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification) => {
      const at = SLOWEST.findIndex((name) => moduleId.endsWith(`/${name}`));
      return at < 0 ? SLOWEST.length : at;
    };
    const isShared = ({ project }: TestSpecification) => Number(!project.config.isolate);
    return (await super.sort(files)).sort((a, b) => isShared(a) - isShared(b) || place(a) - place(b));
  }
}

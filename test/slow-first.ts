// The slowest files of tests first: on two cores, one that begins last leaves the other core idle for minutes. Vitest goes
// by durations of the last run, which a new clone has none of, then by size, which is a poor guide (a loop over
// networks is short).
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** Those that take over five seconds on two cores, slowest first; `npm test` prints the durations. */
const SLOWEST = [
  // share the processes of browsers
  "test/browser/tune.test.ts",
  "test/browser/predict.test.ts",
  "test/browser/runs.test.ts",
  "test/browser/space.test.ts",
  "test/browser/ort-web.test.ts",
  "test/browser/pairs.test.ts",
  "test/browser/pair.test.ts",
  "test/browser/audit.test.ts",
  "test/browser/frame.test.ts",
  "test/browser/audit-kills.test.ts",
  "test/browser/home.test.ts",
  "test/browser/page-example.test.ts",
  "test/browser/decode-image.test.ts",
  "test/browser/tables.test.ts",
  // a process each
  "test/parity/models-odd.test.ts",
  "test/killed-steps.test.ts",
  "test/install.test.ts",
  "test/bench.test.ts",
  "test/webgpu.test.ts",
  "test/cli/demo.test.ts",
  "test/cli/locked.test.ts",
  "src/predict/photos.test.ts",
  "test/cli/streams.test.ts",
  "test/parity/models.test.ts",
  "test/harden.test.ts",
  "test/api.test.ts",
  "test/cli/upstream.test.ts",
  "src/studies/run/runner.test.ts",
  "test/handles.test.ts",
  "test/cli/killed.test.ts",
  "test/cli/hub.test.ts",
  "src/engine/kernels/operators.test.ts",
  "src/derive/run/faults.test.ts",
  "test/mutants.test.ts",
  "test/cli/push-killed.test.ts",
  "test/cli/train-batch.test.ts",
  "test/cli/kernels.test.ts",
  // shared processes
  "test/cli/flags.test.ts",
  "test/bench-gpu.test.ts",
  "test/walk.test.ts",
  "test/cli/study-protocols.test.ts",
  "src/derive/hagrid/reference.test.ts",
  "src/derive/judge/erase.test.ts",
  "test/cli/retract.test.ts",
  "src/derive/run/pipeline.test.ts",
  "src/evaluate/intervals/coverage.test.ts",
  "test/cli/erase.test.ts",
  "test/cli/losses.test.ts",
  "src/train/try-run.test.ts",
  "src/derive/run/shard.test.ts",
  "test/cli/release.test.ts",
  "src/derive/tables/places.test.ts",
  "src/formats/torch/hostile.test.ts",
  "src/train/phases.test.ts",
  "test/cli/derive-decide.test.ts",
  "src/formats/zip/archive.test.ts",
  "test/property/lent.test.ts",
  "src/train/loop.test.ts",
  "src/derive/hagrid/records.test.ts",
  "src/derive/run/real.test.ts",
  "test/cli/terminal.test.ts",
  "src/server/app.test.ts",
];

/** Vitest's order, but for the slowest. */
export class SlowFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification) => {
      const at = SLOWEST.findIndex((name) => moduleId.endsWith(`/${name}`));
      return at < 0 ? SLOWEST.length : at;
    };
    return (await super.sort(files)).sort((a, b) => place(a) - place(b));
  }
}

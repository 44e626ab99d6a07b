// The slowest files of tests first: on two cores, one that begins last leaves the other core idle for minutes. Vitest goes
// by durations of the last run, which a new clone has none of, then by size, which is a poor guide (a loop over
// networks is short).
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** Those that take over half a minute on two cores, slowest first; `npm test` prints the durations. */
const SLOWEST = [
  "test/parity/models-odd.test.ts",
  "test/parity/models.test.ts",
  "test/cli/flags.test.ts",
  "test/killed-steps.test.ts",
  "test/install.test.ts",
  "src/studies/run/runner.test.ts",
  "test/cli/locked.test.ts",
  "test/cli/study-protocols.test.ts",
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

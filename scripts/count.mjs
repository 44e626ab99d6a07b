// Last line of .ci/run: `N passed, N failed, N skipped` of Vitest's JSON reports.
// Fails if a test failed, a file could not run, there were no tests, or there is no report.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

/**
 * Tests by outcome; a file that failed outside its tests (an import, a hook) counts as one failure.
 *
 * @param {string} text - the report; anything that is not one counts as nothing run
 */
export function countTests(text) {
  let files = [];
  try {
    files = JSON.parse(text).testResults;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  const outcomes = files.flatMap(({ assertionResults }) => assertionResults.map(({ status }) => status));
  const passed = outcomes.filter((status) => status === "passed").length;
  const inTests = outcomes.filter((status) => status === "failed").length;
  const broken = files.filter(
    ({ status, assertionResults }) =>
      status === "failed" && assertionResults.every((test) => test.status !== "failed"),
  );
  const failed = inTests + broken.length;
  return { passed, failed, skipped: outcomes.length - passed - inTests };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const counts = process.argv.slice(2).map((path) => countTests(readFileSync(path, "utf8")));
  const sum = (name) => counts.reduce((total, count) => total + count[name], 0);
  console.log(`${sum("passed")} passed, ${sum("failed")} failed, ${sum("skipped")} skipped`);
  // A suite that ran no test at all, not even a skipped one, did not run.
  const ran = counts.every(({ passed, failed, skipped }) => passed + failed + skipped > 0);
  process.exitCode = ran && sum("failed") === 0 && sum("passed") > 0 ? 0 : 1;
}

// The API reference, made by TypeDoc of the docstrings of what package.json exports: `npm run docs` writes api/index.html.
// Usage: node scripts/docs.mjs [--check [ENTRY...]]
// --check writes nothing and fails on an export without a docstring, and on a signature that names a type which is not exported.
// TypeDoc needs the compiler's interface in JavaScript, which TypeScript 7 does not have: it gets TypeScript 6 in its place.
import { register } from "node:module";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
/**
 * What package.json exports, and which values it names without exporting them: they are no types, but zod's schemas and
 * tables, of which the exported types are inferred.
 */
const ENTRIES = {
  "src/index.ts": [
    "dataset/export/common.ts:noteSchema",
    "dataset/manifest.ts:manifest",
    "dataset/manifest.ts:recipe",
    "derive/judge/clean.ts:RULES",
    "derive/judge/reasons.ts:OTHERS",
    "derive/run/shard.ts:recordSchema",
    "evaluate/metrics/table.ts:Table",
    "evaluate/stored/prediction-row.ts:predictionSchema",
    "fetch/published.ts:fileSchema",
    "release/croissant-schema.ts:known",
    "studies/run/journal.ts:eventSchema",
    "studies/study.ts:studySchema",
    "train/runlog.ts:epochLogSchema",
  ],
  "src/predict/index.ts": [],
  "src/evaluate/index.ts": [
    "evaluate/metrics/table.ts:Table",
    "evaluate/stored/prediction-row.ts:predictionSchema",
  ],
};

const hook = `export const resolve = (name, context, next) => next(name === "typescript" ? "typescript-6" : name, context);`;
register(`data:text/javascript,${encodeURIComponent(hook)}`);
const { Application, OptionDefaults } = await import("typedoc");

const args = process.argv.slice(2);
process.exitCode = (args[0] === "--check" ? await check(args.slice(1)) : await write()) > 0 ? 1 : 0;

/** Each entry for itself: what one exports is no excuse for another. */
async function check(given) {
  const known = Object.entries(ENTRIES).map(([entry, schemas]) => [join(ROOT, entry), schemas]);
  const entries = given.length > 0 ? given.map((entry) => [resolve(entry), []]) : known;
  const own = given.length > 0 ? join(dirname(entries[0][0]), "tsconfig.json") : undefined;
  const app = await open(
    entries.map(([entry]) => entry),
    own,
  );
  for (const [i, point] of app.getEntryPoints().entries()) {
    app.options.setValue("intentionallyNotExported", entries[i][1]);
    app.validate(app.converter.convert([point]));
  }
  return faultsOf(app);
}

async function write() {
  const app = await open(Object.keys(ENTRIES).map((entry) => join(ROOT, entry)));
  app.options.setValue("intentionallyNotExported", ENTRIES["src/index.ts"]);
  const project = await app.convert();
  if (project === undefined) return 1;
  app.validate(project);
  if (faultsOf(app) === 0) await app.generateDocs(project, join(ROOT, "api"));
  return faultsOf(app);
}

/** How many faults were printed. */
function faultsOf({ logger }) {
  return logger.errorCount + logger.warningCount;
}

/**
 * TypeDoc with our settings.
 *
 * @param {readonly string[]} entryPoints
 */
async function open(entryPoints, tsconfig = join(ROOT, "tsconfig.build.json")) {
  const app = await Application.bootstrap({
    name: "facehand",
    entryPoints,
    tsconfig,
    basePath: ROOT,
    readme: "none",
    hideGenerator: true,
    disableSources: true, // they would name a commit and a host
    excludePrivate: true,
    excludeInternal: true,
    skipErrorChecking: true, // `npm run check` does that, with the project's own TypeScript
    blockTags: [...OptionDefaults.blockTags, "@source"],
    requiredToBeDocumented: ["Function", "Class", "Interface", "TypeAlias", "Variable"],
    validation: { notExported: true, notDocumented: true, invalidLink: true },
  });
  // Of the sources that the settings name, those that nothing exported needs are not read.
  const { options } = app;
  options.setCompilerOptions(entryPoints, options.getCompilerOptions(app.logger), []);
  return app;
}

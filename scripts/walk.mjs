// `node scripts/walk.mjs`: runs examples/walk.mts cell by cell and writes docs/walk.md, its text, code and output. A cell begins with a
// line `// %% TITLE`; comments right below it are its text. Needs dist/ (npm run build).
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const SOURCE = join(ROOT, "examples/walk.mts");
/** Printed where a cell begins. */
const MARK = "\u001e";

const TITLE = /^\/\/ %% (.*)$/;

/** Title, text and code of each cell; what stands before the first one is the introduction. */
function cellsOf(source) {
  const [intro, ...parts] = source.split(/^(?=\/\/ %% )/m);
  return {
    intro: textOf(intro.split("\n")),
    cells: parts.map((part) => {
      const [head, ...lines] = part.trimEnd().split("\n");
      const end = lines.findIndex((line) => !line.startsWith("//"));
      return {
        title: TITLE.exec(head)[1],
        text: textOf(lines.slice(0, end)),
        code: lines.slice(end).join("\n").trim(),
      };
    }),
  };
}

const textOf = (lines) =>
  lines
    .map((line) => line.replace(/^\/\/ ?/, ""))
    .join("\n")
    .trim();

/** What each cell prints, in a folder. */
function outputsOf(source, dir) {
  const marked = join(ROOT, "examples", `walk-${process.pid}.mts`); // beside it, so that packages are found as from there
  try {
    const script = source.replace(/^\/\/ %% .*$/gm, `$&\nconsole.log(${JSON.stringify(MARK)});`);
    writeFileSync(marked, script);
    const tsx = join(ROOT, "node_modules/tsx/dist/cli.mjs");
    const { status, stdout, stderr } = spawnSync(process.execPath, [tsx, marked], {
      cwd: dir,
      encoding: "utf8",
    });
    if (status !== 0) throw new Error(`Expected examples/walk.mts to end with 0, got ${status}:\n${stderr}`);
    return stdout
      .replaceAll(`${realpathSync(dir)}/`, "")
      .split(`${MARK}\n`)
      .slice(1);
  } finally {
    rmSync(marked, { force: true });
  }
}

/**
 * The page.
 *
 * @param {string} dir - where it runs; what it makes is in its folder `walk`
 */
export function walkPage(dir) {
  const source = readFileSync(SOURCE, "utf8");
  const { intro, cells } = cellsOf(source);
  const outputs = outputsOf(source, dir);
  const parts = cells.map(({ title, text, code }, i) =>
    [`## ${title}`, text, `\`\`\`ts\n${code}\n\`\`\``, `\`\`\`text\n${outputs[i].trimEnd()}\n\`\`\``].join(
      "\n\n",
    ),
  );
  return `# A walk\n\n${intro}\n\n${parts.join("\n\n")}\n`;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const dir = mkdtempSync(join(tmpdir(), "facehand-walk-"));
  try {
    writeFileSync(join(ROOT, "docs/walk.md"), walkPage(dir));
  } finally {
    rmSync(dir, { recursive: true });
  }
}

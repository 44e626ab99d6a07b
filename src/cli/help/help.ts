// The form of `--help`: flags in groups, choices and defaults in plain words, two examples; nothing wider
// than 100 columns.
import { type Command, Option } from "commander";
import { MAX_COLUMNS } from "../../core/visible.ts";
import { EXAMPLES, type Example } from "./examples.ts";
import { groupOf, HELP_GROUPS } from "./groups.ts";

/** Up to this many flags are printed as one list. */
const FEW_FLAGS = 8;

/** Gives a verb and those below it their help. @param path - names of the verbs above it */
export function withHelp(command: Command, path: readonly string[] = []): Command {
  const names = [...path, command.name()];
  const verb = names.join(" ");
  for (const below of command.commands) withHelp(below, names);
  if (command.options.filter(({ hidden }) => !hidden).length > FEW_FLAGS) group(command, verb);
  command.configureHelp({ optionDescription, groupItems });
  const examples = EXAMPLES[verb];
  if (examples !== undefined) command.addHelpText("after", `\n${formatExamples(examples)}`);
  return command;
}

/** The width of help: the terminal's, but no more than can be read. */
export function helpColumns(): number {
  return Math.min(process.stdout.columns ?? MAX_COLUMNS, MAX_COLUMNS);
}

function group(command: Command, verb: string): void {
  command.addHelpOption(new Option("-h, --help", "print this help").helpGroup("Output:"));
  for (const option of command.options) option.helpGroup(`${groupOf(verb, option.long ?? "") ?? "Output"}:`);
}

/** Commander prints groups as they come up; here their order is the table's. */
function groupItems<T extends Command | Option>(
  _: T[],
  visible: T[],
  headingOf: (item: T) => string,
): Map<string, T[]> {
  const found = new Map<string, T[]>();
  for (const item of visible) found.set(headingOf(item), [...(found.get(headingOf(item)) ?? []), item]);
  const order = HELP_GROUPS.map((name) => `${name}:`);
  const place = (heading: string) => order.indexOf(heading);
  return new Map([...found].sort(([a], [b]) => place(a) - place(b)));
}

/** `device to compute on (one of cpu, cuda, auto; default cpu)` */
function optionDescription({ description, argChoices, defaultValue, required, optional }: Option): string {
  const facts = [
    ...(argChoices === undefined ? [] : [`one of ${argChoices.join(", ")}`]),
    ...(defaultValue === undefined || !(required || optional) ? [] : [`default ${String(defaultValue)}`]),
  ];
  return facts.length === 0 ? description : `${description} (${facts.join("; ")})`;
}

function formatExamples(examples: readonly Example[]): string {
  return ["Examples:", ...examples.flatMap(([does, words]) => [`  # ${does}`, ...typed(words)])].join("\n");
}

/** A command in lines that fit, as a shell takes them. */
function typed(words: string): string[] {
  const lines: string[] = [];
  let line = "  facehand";
  for (const word of words.match(/"[^"]*"|\S+/g) ?? []) {
    if (line.length + word.length + 3 > MAX_COLUMNS) {
      lines.push(`${line} \\`);
      line = "     ";
    }
    line += ` ${word}`;
  }
  return [...lines, line];
}

// What every verb gets: where to print, whether to stop, and how options are declared and read.
import { Command, Option } from "commander";
import { unexpected } from "../core/errors.ts";
import { DEVICES } from "../engine/runtime/device.ts";
import { SMALL_SUBJECTS } from "../evaluate/metrics/small.ts";

export interface Context {
  /** Aborted by the first Ctrl-C. */
  readonly signal: AbortSignal;
  /** Prints a result to standard output; line ends are the caller's own, text from files goes through `visible`. */
  print(text: string): void;
  /** Prints one line to standard error, for what is not part of the result. */
  report(text: string): void;
}

/** A verb with the options that all verbs share. */
export function verb(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .showSuggestionAfterError()
    .allowExcessArguments(false)
    .helpOption("-h, --help", "print this help");
}

/**
 * Refuses a command without these flags: for commands with subcommands, which Commander would refuse too, if the flags
 * were declared as required.
 */
export function requireFlags(command: Command, ...names: readonly string[]): void {
  for (const option of command.options) {
    if (option.long === undefined || !names.includes(option.long)) continue;
    if (command.getOptionValue(option.attributeName()) !== undefined) continue;
    const code = "commander.missingMandatoryOptionValue";
    command.error(`required option '${option.flags}' not specified`, { code });
  }
}

/** True if a flag was typed, not left at its default. @param flag - its long name, e.g. `--out` */
export function isGiven(command: Command, flag: string): boolean {
  const option = command.options.find(({ long }) => long === flag);
  if (option === undefined) throw new Error(`${command.name()} has no ${flag}`);
  return command.getOptionValueSource(option.attributeName()) === "cli";
}

/**
 * Refuses a flag that was typed where it would have no effect.
 *
 * @param expected - what would give it an effect, e.g. `--detect`
 * @param isThere - whether that is given
 * @param got - what there is instead
 * @throws AppError("input", "FLAG")
 */
export function onlyWith(
  command: Command,
  flag: string,
  expected: string,
  isThere: boolean,
  got = "other flags",
): void {
  if (isThere || !isGiven(command, flag)) return;
  throw unexpected("input", { code: "FLAG", expected, name: flag, got });
}

/**
 * What a command was given, as it was typed, without some of its flags and their values.
 *
 * @param command - stands directly below the program
 * @param except - long names of flags, e.g. `--out`
 */
export function givenWords(command: Command, except: readonly string[]): string[] {
  const { rawArgs } = command.parent as Command & { readonly rawArgs: readonly string[] };
  const words = rawArgs.slice(rawArgs.indexOf(command.name()) + 1);
  return words.filter((word, i) => {
    const isOwn = (text: string | undefined) => except.includes(text?.split("=")[0] ?? "");
    const before = words[i - 1];
    const option = command.options.find(({ long }) => long === before);
    return !isOwn(word) && !(isOwn(before) && option?.required === true);
  });
}

/** Where to compute: `Device | "auto"`, to be passed to chooseDevice. */
export const deviceOption = (when = "") =>
  new Option(
    "--device <name>",
    `${when}device to compute on; auto takes the first of cuda, dml, coreml and webgpu that runs here (see doctor), else cpu`,
  )
    .choices([...DEVICES, "auto"])
    .default("cpu");

export const jsonOption = () => new Option("--json", "print JSON instead of text");

/** Of every verb that prints figures by group: how few people a figure may rest on. */
export const minSubjectsOption = () =>
  new Option("--min-subjects <n>", "leave out figures that rest on fewer subjects than this, as too small")
    .argParser(wholeNumber("--min-subjects", 1, 1_000_000))
    .default(SMALL_SUBJECTS);

/** For tests alone, which put a server of their own in the place of Google Drive. */
export const driveOption = () =>
  new Option("--drive-endpoint <url>", "where Google Drive is, for tests").hideHelp();

/** An option value that must be a whole number in a range. */
export function wholeNumber(name: string, low: number, high: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= low && value <= high) return value;
    throw unexpected("input", {
      code: "FLAG",
      expected: `a whole number from ${low} to ${high}`,
      name,
      got: text,
    });
  };
}

/** Comma-separated values, none empty. */
export function list(name: string): (text: string) => string[] {
  return (text) => {
    const parts = text.split(",").map((part) => part.trim());
    if (parts.every((part) => part !== "")) return parts;
    throw unexpected("input", { code: "FLAG", expected: "values separated by commas", name, got: text });
  };
}

/** Collects a flag that may be given several times. */
export function repeated(value: string, before: string[] | undefined): string[] {
  return [...(before ?? []), value];
}

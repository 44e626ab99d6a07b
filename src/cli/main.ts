// The command line: parses, runs one verb, turns faults into messages and exit codes.
import { Command, CommanderError } from "commander";
import { closest } from "fastest-levenshtein";
import picocolors from "picocolors";
import { fromErrno, refusalOf } from "../core/errno.ts";
import { AppError, EXIT_CODES, EXIT_INTERRUPTED, Interrupted, show } from "../core/errors.ts";
import { withoutSecrets } from "../core/secrets.ts";
import { visible, visibleLines } from "../core/visible.ts";
import { onUncaught, openOutput } from "../machine/output.ts";
import { sweepBeside } from "../machine/temporary.ts";
import { OUR_FAULT, REPORT, watchUnsettled } from "../machine/unsettled.ts";
import type { Context } from "./context.ts";
import { helpColumns } from "./help/help.ts";
import { commands } from "./table.ts";
import { packageVersion } from "./version.ts";

const DESCRIPTION = `Face-hand pairs derived from HaGRID, and one model that predicts apparent sex from either image.
The label is apparent sex as machines or annotators recorded it; it is never a person's identity.`;

const VERSION_FLAGS = ["-V", "--version"];

/** What was typed, and the commands that were loaded for it. */
interface Typed {
  readonly argv: readonly string[];
  readonly verbs: readonly Command[];
}

function program(verbs: readonly Command[], writeOut: (text: string) => void): Command {
  const root = new Command("facehand")
    .description(DESCRIPTION)
    .version(packageVersion(), VERSION_FLAGS.join(", "), "print the version")
    .helpOption("-h, --help", "print this help")
    .enablePositionalOptions() // or `derive merge --out` would be taken for `derive --out`
    .showSuggestionAfterError()
    .allowExcessArguments(false);
  for (const command of verbs) root.addCommand(command);
  const settle = (command: Command) => {
    command.exitOverride().configureOutput({
      writeErr: () => undefined,
      writeOut,
      getOutHelpWidth: helpColumns,
    });
    command.commands.forEach(settle);
  };
  settle(root);
  root.hook("preAction", (_, command) => sweepOutputs(command));
  return root;
}

/** Flags that name a single file to be written; what a killed process left beside it goes. */
const OUTPUTS = ["out", "report", "csv", "onnx"];

async function sweepOutputs(command: Command): Promise<void> {
  for (const value of OUTPUTS.map((name) => command.getOptionValue(name) as unknown))
    if (typeof value === "string") await sweepBeside(value).catch(() => undefined); // the verb reports what is wrong there
}

/**
 * Runs the command line.
 *
 * @param argv - arguments after the program's name
 * @returns the exit code: 0, 2 input, 3 data, 4 remote, 70 internal, 130 interrupted
 */
export async function run(argv: readonly string[]): Promise<number> {
  const stop = new AbortController();
  const onSignal = () => {
    if (stop.signal.aborted) process.exit(EXIT_INTERRUPTED); // a second Ctrl-C does not wait
    err.write("\nStopping after the current work; press Ctrl-C again to stop at once.\n");
    stop.abort();
  };
  process.on("SIGINT", onSignal);
  const [out, err] = [openOutput("stdout"), openOutput("stderr")];
  const say = (text: string) => err.write(`${withoutSecrets(text)}\n`);
  const settled = watchUnsettled(say);
  const context: Context = {
    signal: stop.signal,
    print: (text) => out.write(`${visibleLines(text)}\n`),
    report: (text) => say(visible(text)),
  };
  let verbs: readonly Command[] = [];
  const fail = (fault: unknown) => explain(fault, { argv, verbs }, say);
  const restore = onUncaught(fail);
  let code = 0;
  try {
    const asksVersion = argv.length === 1 && VERSION_FLAGS.includes(argv[0]!);
    if (!asksVersion) verbs = await commands(context, argv[0]);
    await program(verbs, (text) => out.write(text)).parseAsync(argv, { from: "user" });
  } catch (error) {
    code = fail(error);
  }
  const fault = await out.flush();
  if (code === 0 && fault !== undefined) code = fail(notPrinted(fault));
  await err.flush(); // what could not be printed there is in the exit code
  restore();
  settled();
  process.off("SIGINT", onSignal);
  return code;
}

/** A result that standard output did not take: the work itself is done. */
function notPrinted(fault: Error): AppError {
  const hint = "all files were written; send the output elsewhere and print it again";
  const message = `Expected to print the whole result, got ${show(fault)} (standard output)`;
  return new AppError("data", "OUTPUT_FAILED", message, {
    hint: `${refusalOf(fault)?.hint ?? "check where it goes"}; ${hint}`,
    cause: fault,
  });
}

/** Prints what went wrong; usage only for input errors, a stack only for our own faults. */
function explain(fault: unknown, typed: Typed, say: (text: string) => void): number {
  const error = fromErrno(fault);
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return 0; // --help and --version
    say(picocolors.red(reword(error, typed)));
    say(usageHint(typed));
    return EXIT_CODES.input;
  }
  if (error instanceof Interrupted) {
    say(visibleLines(error.message));
    return EXIT_INTERRUPTED;
  }
  if (error instanceof AppError) {
    say(picocolors.red(error.message));
    if (error.hint !== undefined) say(`Try: ${error.hint}`);
    if (error.kind === "input") say(usageHint(typed));
    if (error.kind !== "internal") return EXIT_CODES[error.kind];
  } else say(picocolors.red(OUR_FAULT));
  say(stackOf(error));
  say(REPORT);
  return EXIT_CODES.internal;
}

/** The message on one line, the calls below it. */
function stackOf(error: unknown): string {
  if (!(error instanceof Error)) return visible(String(error));
  const calls = error.stack?.match(/^\s+at .*$/gm) ?? [];
  const head = error instanceof AppError ? [] : [visible(`${error.name}: ${error.message}`)];
  return visibleLines([...head, ...calls].join("\n"));
}

/** Commander's messages in the house's wording; the nearest match, if any, is on a second line. */
function reword({ code, message }: CommanderError, typed: Typed): string {
  const text = visible(message.replace(/^error: /, "").trim());
  const what = /'([^']*)'/.exec(text)?.[1] ?? text;
  const nearest = /\(Did you mean (.+?)\?\)/.exec(text)?.[1];
  const hint = nearest === undefined ? "" : `\nTry: ${nearest}`;
  if (code === "commander.excessArguments") {
    const verb = mistypedVerb(typed);
    if (verb !== undefined) return verb;
  }
  if (code === "commander.unknownCommand") return `Expected a known verb, got ${what}${hint}`;
  if (code === "commander.unknownOption") return `Expected a known flag, got ${what}${hint}`;
  if (code === "commander.missingMandatoryOptionValue")
    return mistyped(typed) ?? `Expected ${what}, got nothing`;
  if (code === "commander.missingArgument") return `Expected <${what}>, got nothing`;
  if (code === "commander.optionMissingArgument") return `Expected a value for ${what}, got nothing`;
  if (code === "commander.help") return "Expected a verb, got nothing";
  return `Expected other arguments, got: ${text}`;
}

/** Commander misses a required flag before it sees that another is unknown: most often it is that one, mistyped. */
function mistyped(typed: Typed): string | undefined {
  const flags = named(typed)
    .at(-1)!
    .options.flatMap(({ long }) => long ?? []);
  const unknown = typed.argv
    .map((word) => word.split("=")[0]!)
    .find((word) => word.startsWith("--") && !flags.includes(word));
  if (unknown === undefined) return undefined;
  return `Expected a known flag, got ${visible(unknown)}\nTry: ${closest(unknown, flags)}`;
}

/** Commander takes what follows a verb that also stands alone (`derive`) for an argument too many, not for a verb. */
function mistypedVerb(typed: Typed): string | undefined {
  const found = named(typed);
  const word = typed.argv[found.length];
  const verbs = found.at(-1)?.commands.map((c) => c.name()) ?? [];
  if (word === undefined || word.startsWith("-") || verbs.length === 0) return undefined;
  return `Expected a known verb, got ${visible(word)}\nTry: ${closest(word, verbs)}`;
}

/** The commands that the first words name, outermost first. */
function named({ argv, verbs }: Typed): Command[] {
  const command = verbs.find((c) => c.name() === argv[0]);
  const child = command?.commands.find((c) => c.name() === argv[1]);
  return [command, child].flatMap((c) => c ?? []);
}

function usageHint(typed: Typed): string {
  return `Usage: ${["facehand", ...named(typed).map((c) => c.name()), "--help"].join(" ")}`;
}

// A verb that nothing can end any more: Node would exit with code 13 and without a message.
import { EXIT_CODES } from "../core/errors.ts";

/** The first line of what is ours to mend. */
export const OUR_FAULT = "This is a fault of facehand, not of your input.";
/** The last one. */
export const REPORT =
  "Please report it with these lines, the command and what `facehand doctor` prints, where you got facehand from.";
/** The message about a verb that nothing can end. */
export const UNSETTLED = `${OUR_FAULT}
Expected the work to end, got nothing left that could end it
Try: run the same command again, which resumes where verbs do
${REPORT}`;

/**
 * Watches a verb that is under way.
 *
 * @param say - prints the message, if this process has nothing left to do before the verb has ended; the exit code is then 70
 * @returns takes the watch away
 */
export function watchUnsettled(say: (text: string) => void): () => void {
  const onIdle = () => {
    say(UNSETTLED);
    process.exitCode = EXIT_CODES.internal;
  };
  process.once("beforeExit", onIdle);
  return () => process.off("beforeExit", onIdle);
}

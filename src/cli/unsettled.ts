// A verb that nothing can end any more: Node would leave with code 13 and without a word.
import { EXIT_CODES } from "../core/errors.ts";

/** What is said then. */
export const UNSETTLED = `This is a fault of facehand, not of your input.
Expected the work to end, got nothing left that could end it
Try: run the same command again, it goes on where verbs do; and report the command and the output of facehand doctor`;

/**
 * Watches a verb that is under way.
 *
 * @param say - tells people, if this process has nothing left to do before the verb has ended; the exit code is then 70
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

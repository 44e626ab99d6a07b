// The script of a job array: one branch a task, each leaving its exit code in the array's folder.
// POSIX sh only. Invariant: a word reaches the command as it is, whatever it holds; a code appears whole or not at all.
import { unexpected } from "../../core/errors.ts";

/** Shell word that stands for exactly this text. */
export function quoteWord(text: string): string {
  if (text.includes("\0")) {
    const e = { code: "SLURM_WORD", expected: "text without NUL", name: "an argument of a task", got: text };
    throw unexpected("input", e);
  }
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/**
 * Script for sbatch that runs the command of its task.
 *
 * @param commands - program and arguments of all tasks
 * @param submission - the tasks of this submission; their index in the array is `task - base`
 * @param number - the submission's number, part of the names of exit codes
 * @param exits - folder for exit codes
 * @throws AppError("input", "SLURM_WORD") for a NUL in an argument
 */
export function arrayScript(
  commands: readonly (readonly string[])[],
  submission: { readonly tasks: readonly number[]; readonly base: number },
  number: number,
  exits: string,
): string {
  const branches = submission.tasks.map((task) => {
    const words = commands[task]!.map(quoteWord).join(" ");
    return `${task - submission.base}) task=${task}; set -- ${words} ;;`;
  });
  return `#!/bin/sh
# Made by facehand; the exit code of each task goes to its exits folder.
exits=${quoteWord(exits)}
case "$SLURM_ARRAY_TASK_ID" in
${branches.join("\n")}
*) echo "no task $SLURM_ARRAY_TASK_ID in this script" >&2; exit 64 ;;
esac
echo "task $task on $(uname -n), job $SLURM_ARRAY_JOB_ID, $(date -u +%Y-%m-%dT%H:%M:%SZ)"
"$@"
code=$?
echo "$code" >"$exits/.${number}-$task" && mv "$exits/.${number}-$task" "$exits/${number}-$task"
exit "$code"
`;
}

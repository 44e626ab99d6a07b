// The bytes of several downloads under way, as one figure.
// Invariant: the sum never forgets a file, so that a line of progress does not go back.

type Show = (doneBytes: number, totalBytes: number) => void;

/** Adds up the downloads under way. */
export class Meter {
  readonly #files: { done: number; total: number }[] = [];
  readonly #show: Show | undefined;

  constructor(show: Show | undefined) {
    this.#show = show;
  }

  /** Starts a file of about this size. */
  open(aboutBytes: number): (done: number, total: number | undefined) => void {
    const file = { done: 0, total: aboutBytes };
    this.#files.push(file);
    return (done, total) => {
      file.done = done;
      file.total = total ?? Math.max(file.total, done);
      const sum = (key: "done" | "total") => this.#files.reduce((all, each) => all + each[key], 0);
      this.#show?.(sum("done"), sum("total"));
    };
  }
}

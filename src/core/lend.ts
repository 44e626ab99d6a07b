// ◇ Browser-safe. Models that serve one call at a time, lent to many callers: each waits until one is free.
// Source: our own. Invariant: a model is never used by two calls at once; a failed call gives its model back.

/** Runs work with one that is free. */
export type Lender<M> = <R>(work: (model: M) => Promise<R>) => Promise<R>;

/**
 * Lends a few equal models.
 *
 * @param all - at least one
 * @returns runs `work` with a free one, waiting for it in the order of the calls
 * @example const withModel = lend(models); await withModel((model) => model.detect(image))
 */
export function lend<M>(all: readonly M[]): Lender<M> {
  const free = [...all];
  const waiting: ((model: M) => void)[] = [];
  const take = (): Promise<M> => {
    const ready = free.pop();
    return ready === undefined ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(ready);
  };
  return async (work) => {
    const model = await take();
    try {
      return await work(model);
    } finally {
      const next = waiting.shift();
      if (next === undefined) free.push(model);
      else next(model);
    }
  };
}

// A model that is named on the command line: a path as it is, `hf:USER/NAME` from the Hugging Face hub, through the cache.
import { unexpected } from "../core/errors.ts";
import { isHubName } from "../fetch/hub/repository.ts";
import { type HubModel, type HubModelOptions, hubModel } from "../models/files/hub-model.ts";
import { startBytes } from "./bytes-progress.ts";
import type { Context } from "./context.ts";

/**
 * Fetches a model of the hub with a progress line, or finds it in the cache.
 *
 * @throws as hubModel
 */
export async function fetchHubModel(
  { signal }: Pick<Context, "signal">,
  name: string,
  options: Pick<HubModelOptions, "dir" | "offline" | "refresh"> = {},
): Promise<HubModel> {
  const line = startBytes(name);
  try {
    return await hubModel(name, {
      ...{ ...options, signal, onProgress: line.onProgress },
      onWait: (ms, { message }) => line.note(`waiting ${Math.ceil(ms / 1000)} s: ${message}`),
    });
  } finally {
    line.done();
  }
}

/**
 * The path of one model, which may be named as one of the hub.
 *
 * @throws as hubModel; AppError("input", "SEVERAL_SEEDS") for a repository of several
 */
export async function onePath(context: Pick<Context, "signal">, target: string): Promise<string> {
  if (!isHubName(target)) return target;
  const { checkpoints, repository } = await fetchHubModel(context, target);
  const [one] = checkpoints;
  if (checkpoints.length === 1) return one!.path;
  const seeds = checkpoints.map(({ seed }) => seed).join(", ");
  const e = {
    code: "SEVERAL_SEEDS",
    expected: "one model",
    name: repository,
    got: `those of seeds ${seeds}`,
  };
  throw unexpected("input", { ...e, hint: `give one of them by its path: ${one!.path}` });
}

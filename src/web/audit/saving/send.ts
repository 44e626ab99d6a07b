// ◇ Browser-safe. One request that saves judgements, as the page makes it.
import type { Annotation } from "../../../audit/annotation.ts";
import { AppError } from "../../../core/errors.ts";
import type { Refusal, Saved } from "../../../server/api.ts";

/** A server that does not answer is given up after this, ms. */
const PATIENCE_MS = 20_000;

/**
 * Sends judgements.
 *
 * @param url - of the dataset's judgements
 * @returns ids of the lines that are on the server's disk
 * @throws AppError("remote", ...) in the server's words, or where there is no answer
 */
export async function sendJudgements(
  url: string,
  lines: readonly Annotation[],
  ask: typeof fetch = fetch,
): Promise<readonly string[]> {
  let answer: Response;
  let text: string;
  try {
    const signal = AbortSignal.timeout(PATIENCE_MS);
    const headers = { "content-type": "application/json" };
    answer = await ask(url, { method: "POST", headers, body: JSON.stringify(lines), signal });
    text = await answer.text();
  } catch (cause) {
    const hint =
      "is `facehand serve` still running? start it again and open the address that it prints: what waits here is then sent";
    throw new AppError("remote", "SERVER_GONE", "Expected an answer of the server, got none", {
      hint,
      cause,
    });
  }
  const said = parsed(text);
  if (answer.ok && said !== undefined && "ids" in said) return said.ids;
  const { code, message, hint } = said !== undefined && "error" in said ? said.error : unknown(answer.status);
  throw new AppError("remote", code, message, { hint });
}

function parsed(text: string): Saved | Refusal | undefined {
  try {
    return JSON.parse(text) as Saved | Refusal;
  } catch {
    return undefined;
  }
}

const unknown = (status: number) => ({
  code: "ANSWER",
  message: `Expected judgements to be saved, got the status ${status}`,
  hint: undefined,
});

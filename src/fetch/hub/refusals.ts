// What the hub means where it refuses: one error for each kind of refusal, with the hub's own words where it gives any.
// Source: the statuses that huggingface_hub's hf_raise_for_status distinguishes. Invariant: no message has the token in it,
// even where a server repeats what it was sent.
import { AppError } from "../../core/errors.ts";
import { showUrl } from "../http/address.ts";
import { pageText } from "../http/http.ts";
import { retryAfterMs } from "../http/retry.ts";
import type { Answer } from "../http/transport.ts";

/** What was asked for, in messages. */
export interface Asked {
  /** `hf:datasets/USER/NAME`. */
  readonly what: string;
  /** Whether something was to be written. */
  readonly writes: boolean;
  readonly token: string | undefined;
}

/** Characters of the hub's own words, at most. */
const WORDS_LENGTH = 300;
const TOKENS = "the hub shows and makes tokens under Settings, Access Tokens";

/**
 * The error of a refusal.
 *
 * @param answer - its body is read as far as it explains anything
 */
export async function hubRefusal(answer: Answer, asked: Asked): Promise<AppError> {
  const { status, line, url, headers } = answer;
  const words = await wordsOf(answer, asked.token);
  const got = words === undefined ? line : `${line} (${words})`;
  const say = (code: string, expected: string, hint: string) =>
    new AppError("remote", code, `Expected ${expected}, got ${got}`, { hint });
  const { what, writes } = asked;
  switch (status) {
    case 401:
      return say("REMOTE_DENIED", `a token that the hub accepts for ${what}`, denied(asked));
    case 403:
      return say(
        "REMOTE_FORBIDDEN",
        `the right to ${writes ? "write to" : "read"} ${what}`,
        writes
          ? `give a token with write access to it as HF_TOKEN (${TOKENS}), or a name of your own`
          : `open its page in a browser: its terms may have to be accepted first; then HF_TOKEN`,
      );
    case 404:
    case 410: {
      const hint = "check the name and the revision; of a private one, HF_TOKEN of somebody who may see it";
      return say("REMOTE_NOT_FOUND", `${what} to be on the hub`, hint);
    }
    case 409:
    case 412:
      return say("HUB_CONFLICT", `${what} to be as it was read`, CONFLICT);
    case 429:
      return say("REMOTE_BUSY", "the hub to answer", busyHint(retryAfterMs(headers.get("retry-after"))));
  }
  if (status < 500)
    return say("REMOTE_STATUS", `an answer at ${showUrl(url)}`, "see what the hub says of it");
  const hint = `the hub has a fault of its own; later, run the same command again${writes ? KEPT : ""}`;
  return say("REMOTE_BUSY", "the hub to answer", hint);
}

const CONFLICT =
  "somebody else has written to it meanwhile: read the last commit on its page, then run the same command again";

const KEPT = ": what it has is not sent twice";

const denied = ({ token }: Asked) =>
  token === undefined
    ? `set HF_TOKEN (${TOKENS}); the hub also answers so where there is no such repository`
    : `make a new token and set HF_TOKEN (${TOKENS}); the hub also answers so where there is no such repository`;

function busyHint(ms: number | undefined): string {
  const pause = ms === undefined ? "wait a while" : `wait ${Math.ceil(ms / 1000)} s, as the hub asks`;
  return `${pause}, then run the same command again${KEPT}`;
}

/** The hub explains refusals in JSON; a page or a list of a storage's faults in XML says nothing to people. */
async function wordsOf(answer: Answer, token: string | undefined): Promise<string | undefined> {
  const isJson = /\bjson\b/i.test(answer.headers.get("content-type") ?? "");
  const text = isJson ? await pageText(answer) : "";
  const words = errorIn(text) ?? answer.headers.get("x-error-message") ?? undefined;
  const bare = token === undefined ? words : words?.replaceAll(token, "…");
  return bare?.replace(/\s+/g, " ").trim().slice(0, WORDS_LENGTH) || undefined;
}

function errorIn(text: string): string | undefined {
  try {
    const { error, message } = JSON.parse(text) as { error?: unknown; message?: unknown };
    return [error, message].find((each) => typeof each === "string");
  } catch {
    return undefined;
  }
}

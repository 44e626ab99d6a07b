// Where the Hugging Face hub is, and who asks: HF_ENDPOINT and HF_TOKEN, which mean what they mean to huggingface_hub.
// Invariant: the token stands in one header of requests to the hub itself, and in no message.
import { unexpected } from "../../core/errors.ts";
import { addressOf } from "../http/address.ts";
import type { DownloadOptions } from "../http/download.ts";

/** Which hub is asked, by whom, and how patiently. */
export interface HubAccess
  extends Pick<DownloadOptions, "signal" | "onWait" | "retries" | "waitMs" | "idleMs" | "clock"> {
  /** Default: HF_ENDPOINT, or the public hub. */
  readonly endpoint?: string | undefined;
  /** Default: HF_TOKEN. */
  readonly token?: string | undefined;
}

const PUBLIC_HUB = "https://huggingface.co";

/**
 * The token, or undefined where there is none.
 *
 * @throws AppError("input", "HF_TOKEN") for one that no header can hold
 */
export function tokenOf({ token = process.env["HF_TOKEN"] }: HubAccess): string | undefined {
  if (token === undefined || token === "") return undefined;
  if (/^[\x21-\x7e]+$/.test(token)) return token;
  const expected = "a token without blanks and line ends";
  const hint = "export HF_TOKEN again, as the hub shows it";
  throw unexpected("input", { code: "HF_TOKEN", expected, name: "HF_TOKEN", got: "another text", hint });
}

/** The headers that say who asks; throws as tokenOf. */
export function authorization(access: HubAccess): Record<string, string> {
  const token = tokenOf(access);
  return token === undefined ? {} : { authorization: `Bearer ${token}` };
}

/**
 * The hub's address, without a slash at its end.
 *
 * @throws AppError("input", "ADDRESS" | "ADDRESS_USER" | "HF_ENDPOINT")
 */
export function endpointOf({ endpoint = process.env["HF_ENDPOINT"] }: HubAccess): string {
  if (endpoint === undefined || endpoint === "") return PUBLIC_HUB;
  const url = addressOf(endpoint, "HF_ENDPOINT", "give the token as HF_TOKEN");
  if (url.search === "" && url.hash === "") return url.href.replace(/\/+$/, "");
  const expected = "an address without a query and fragment";
  throw unexpected("input", { code: "HF_ENDPOINT", expected, name: "HF_ENDPOINT", got: endpoint });
}

/** Only what says how patient to be, for requests that are not the library's. */
export function patienceFor({ signal, onWait, retries, waitMs, idleMs, clock }: HubAccess) {
  return { signal, onWait, retries, waitMs, idleMs, clock };
}

// ◇ Browser-safe. Where the page's files come from: the server that sent it, or a folder of static files laid out alike.
// Invariants: addresses are relative to the page, so that both are the same to it; an answer that is not what was asked for
// becomes an AppError with the server's own words.
import { signal } from "@preact/signals";
import { AppError } from "../../core/errors.ts";
import { type Listing, type Refusal, ROUTES, type Thing } from "../../server/api.ts";
import { faultOf } from "./fault.ts";
import { serve } from "./service.ts";

/** What was found, once it is known. */
export const listing = signal<Listing | undefined>(undefined);

/** What stopped the page, if anything did. */
export const fault = signal<AppError | undefined>(undefined);

/** Asks for the listing anew. */
export async function loadListing(): Promise<void> {
  try {
    const found = await getJson<Listing>(ROUTES.things());
    await serve(found, urlOf);
    listing.value = found;
    fault.value = undefined;
  } catch (error) {
    fault.value = faultOf(error);
  }
}

/** A thing of the listing. */
export const thingOf = (id: string | undefined): Thing | undefined =>
  listing.value?.things.find((thing) => thing.id === id);

/** Things of one kind. */
export const thingsOf = (kind: Thing["kind"]): readonly Thing[] =>
  listing.value?.things.filter((thing) => thing.kind === kind) ?? [];

/** True if a thing has a file. */
export const hasFile = (thing: Thing, name: string): boolean =>
  thing.files.some((file) => file.name === name);

/** The address of one of our routes beside the page. */
export const urlOf = (route: string): string => new URL(`.${route}`, document.baseURI).href;

/**
 * Asks for something.
 *
 * @throws AppError("remote", ...) for any answer but a good one, and for none
 */
export async function get(route: string, init?: RequestInit): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(urlOf(route), init);
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    const hint = "is `facehand serve` still running? start it again and open the address that it prints";
    throw new AppError("remote", "SERVER_GONE", "Expected an answer of the server, got none", { hint });
  }
  if (response.ok) return response;
  const refusal = (await response.json().catch(() => undefined)) as Refusal | undefined;
  const { code, message, hint } = refusal?.error ?? {
    code: "ANSWER",
    message: `Expected a file, got the status ${response.status}`,
    hint: undefined,
  };
  throw new AppError("remote", code, message, { hint });
}

/** JSON of one of our routes; what we write ourselves is not checked again. */
export const getJson = async <T>(route: string): Promise<T> => (await get(route)).json() as Promise<T>;

export { faultOf };

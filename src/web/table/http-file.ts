// ◇ Browser-safe. A file at an address as bytes by position, for readers of Parquet.
// Source: RFC 9110, 14. Invariants: all bytes are of one version of the file: an answer with another tag is refused; a server that
// knows no ranges is asked once for the whole.
import { AppError } from "../../core/errors.ts";

/** Bytes by position, as hyparquet wants them. */
export interface HttpFile {
  readonly byteLength: number;
  slice(start: number, end?: number): Promise<ArrayBuffer>;
}

/** Asks for an address. */
type Ask = (url: string, init: RequestInit) => Promise<Response>;

/**
 * Opens a file by its address.
 *
 * @param byteLength - its size, as the listing says
 */
export function openHttpFile(url: string, byteLength: number, ask: Ask = fetch): HttpFile {
  let tag: string | null | undefined;
  let whole: Promise<ArrayBuffer> | undefined;
  const slice = async (start: number, end = byteLength): Promise<ArrayBuffer> => {
    if (whole !== undefined) return (await whole).slice(start, end);
    const response = await ask(url, { headers: { range: `bytes=${start}-${end - 1}` } });
    if (!response.ok) throw gone(`the status ${response.status}`);
    const own = response.headers.get("etag");
    if (tag !== undefined && own !== tag) throw changed();
    tag = own;
    if (response.status === 206) {
      const bytes = await response.arrayBuffer();
      if (bytes.byteLength !== end - start) throw changed();
      return bytes;
    }
    whole ??= response.arrayBuffer();
    return (await whole).slice(start, end);
  };
  return { byteLength, slice };
}

const gone = (got: string) =>
  new AppError("remote", "FILE", `Expected the table of the dataset, got ${got}`, {
    hint: "reload the page",
  });

const changed = () =>
  new AppError("remote", "FILE_CHANGED", "Expected one version of the table, got parts of two", {
    hint: "it was written anew while it was read: reload the page",
  });

// Files and folders that Google Drive shares with anyone who has the link, as a browser without an account gets them.
// Source: gdown for what Drive does: `uc` answers with the file, or with a page whose form leads to it,
// or with a page that states why not; `embeddedfolderview` lists a folder.
// Reading pages takes libraries of 200 modules: whoever visits Drive imports this file then (see drive-link.ts for links).
// Invariants: a page is never taken for a file; Drive's own words are passed on; cookies stay with their hosts.
import { parseHTML } from "linkedom";
import { CookieJar } from "tough-cookie";
import { AppError, unexpected } from "../core/errors.ts";
import { FileNames } from "../core/file-names.ts";
import { withKey } from "./drive-link.ts";
import { showUrl } from "./http/address.ts";
import {
  type Cookies,
  isPage,
  type Page,
  pageText,
  type RequestOptions,
  request,
  wholePage,
} from "./http/http.ts";
import type { Patience } from "./http/patience.ts";
import { type RetryOptions, retrying } from "./http/retry.ts";
import { attachedName, safeName } from "./names.ts";

/** Where Drive is; tests put a server of their own in its place. */
export interface DriveOptions extends RetryOptions, Patience {
  /** Default: Google's. */
  readonly endpoint?: string | undefined;
}

/** Where a shared file is at this moment. */
export interface DriveTarget {
  /** Expires after a while: ask again after a failure. */
  readonly url: URL;
  /** The file's name as its owner gave it, if Drive names it. */
  readonly name: string | undefined;
}

/** A file in a shared folder. */
export interface DriveEntry {
  readonly id: string;
  /** Path below the folder, with `/`; each part is a safe file name. */
  readonly path: string;
}

/** A visitor of Drive, with cookies of its own. */
export interface Drive {
  readonly cookies: Cookies;
  readonly headers: Readonly<Record<string, string>>;
  /** Where a file is asked for. */
  address(id: string): string;
  /** What a page of Drive's means that came in place of a file. */
  page(page: Page): AppError;
  /**
   * Follows Drive's pages to a file.
   *
   * @throws AppError("remote", "DRIVE_QUOTA" | "DRIVE_SIGN_IN" | "DRIVE_REFUSED" | "REMOTE_...")
   */
  locate(id: string): Promise<DriveTarget>;
  /**
   * Files of a folder and of those in it, in Drive's order; documents without a file are left out.
   *
   * @throws AppError("remote", "DRIVE_FOLDER" | "DRIVE_NAMES") and as `locate`
   */
  list(folderId: string): Promise<DriveEntry[]>;
}

const GOOGLE_DRIVE = "https://drive.google.com";
// Drive gives browsers that it does not know other pages; one for files and one for folders, as gdown found.
const FILE_BROWSER =
  "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_10_1) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/39.0.2171.95 Safari/537.36";
const FOLDER_BROWSER =
  "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/98.0.4758.102 Safari/537.36";
const DEEPEST = 20;
const BY_HAND =
  "open it in a browser; what you can download there can be given as a folder: --mirror FOLDER, under the same file names";

/** An id, and the key of its link if it has one, as Drive's addresses take them. */
function queryOf(shared: string): string {
  const [id, key] = shared.split("?resourcekey=") as [string, string | undefined];
  return `id=${encodeURIComponent(id)}${key === undefined ? "" : `&resourcekey=${encodeURIComponent(key)}`}`;
}

/** Begins a visit. */
export function openDrive(options: DriveOptions = {}): Drive {
  const { endpoint = GOOGLE_DRIVE } = options;
  const cookies = openCookies();
  const headers = { "user-agent": FILE_BROWSER };
  const address = (id: string) => `${endpoint}/uc?${queryOf(id)}`;
  const listing = (id: string) => `${endpoint}/embeddedfolderview?${queryOf(id)}`;
  const base = { cookies, page: refusal };
  const { signal, idleMs, leastRate, clock } = options;
  const asked: RequestOptions = { ...base, headers, signal, idleMs, leastRate, clock };
  const readFolder = (id: string) =>
    folderPage(listing(id), { ...asked, headers: { "user-agent": FOLDER_BROWSER } });
  return {
    ...base,
    headers,
    address,
    locate: (id) => follow(address(id), id, asked),
    list: (folderId) => listFolder(folderId, "", [], (id) => retrying(() => readFolder(id), options)),
  };
}

function openCookies(): Cookies {
  const jar = new CookieJar();
  return {
    header: (url) => jar.getCookieString(url.href),
    async store(url, lines) {
      for (const line of lines) await jar.setCookie(line, url.href, { ignoreError: true });
    },
  };
}

async function follow(address: string, id: string, options: RequestOptions): Promise<DriveTarget> {
  const answer = await request(address, options);
  const { url, status } = answer;
  if (!isPage(answer)) {
    answer.cancel();
    return { url, name: attachedName(answer) };
  }
  const html = await pageText(answer);
  const target = confirmation(html, url, id);
  if (target === undefined) throw refusal({ html, url, status });
  return target;
}

/** Drive's form "download anyway", filled in. */
function confirmation(html: string, url: URL, shared: string): DriveTarget | undefined {
  const { document } = parseHTML(html);
  const form = document.querySelector("form#download-form");
  const action = form?.getAttribute("action") ?? "";
  if (form === null || !URL.canParse(action, url)) return undefined;
  const target = new URL(action, url);
  for (const input of form.querySelectorAll('input[type="hidden"]')) {
    target.searchParams.set(input.getAttribute("name") ?? "", input.getAttribute("value") ?? "");
  }
  const asked = new URLSearchParams(queryOf(shared));
  for (const [name, value] of asked) if (!target.searchParams.has(name)) target.searchParams.set(name, value);
  const id = asked.get("id");
  const secureLost = url.protocol === "https:" && target.protocol !== "https:";
  const other = target.searchParams.get("id");
  const withUser = target.username !== "" || target.password !== "";
  if (secureLost || withUser || !/^https?:$/.test(target.protocol) || (other !== null && other !== id)) {
    const expected = `a form for the file ${id}`;
    throw unexpected("remote", { code: "DRIVE_REFUSED", expected, name: showUrl(url), got: showUrl(target) });
  }
  const name = document.querySelector(".uc-name-size a")?.textContent?.trim();
  return { url: target, name: name === undefined || name === "" ? undefined : name };
}

function refusal({ html, url, status }: Page): AppError {
  const { document } = parseHTML(html);
  const text = (selector: string) =>
    document.querySelector(selector)?.textContent?.replace(/\s+/g, " ").trim() ?? "";
  const title = text("title");
  const reason =
    text("p.uc-error-subcaption") || text("p.uc-error-caption") || text(".errorMessage") || title;
  const where = showUrl(url);
  if (/^accounts\./.test(url.hostname) || /\bsign[ -]in\b/i.test(title)) {
    const hint = `ask its owner to share it with anyone who has the link; or sign in and ${BY_HAND}`;
    return new AppError(
      "remote",
      "DRIVE_SIGN_IN",
      `Expected a file that anyone may read at ${where}, got a sign-in page`,
      { hint },
    );
  }
  const got = reason === "" ? `a page without a reason (status ${status})` : `"${reason.slice(0, 500)}"`;
  const message = `Expected a file of Google Drive at ${where}, got ${got}`;
  if (/too many users|quota/i.test(`${reason} ${title}`)) {
    const hint = `wait, Drive lifts its limit within a day, then run the same command again; or ${BY_HAND}`;
    return new AppError("remote", "DRIVE_QUOTA", message, { hint });
  }
  return new AppError("remote", "DRIVE_REFUSED", message, { hint: BY_HAND });
}

interface FolderPage {
  readonly html: string;
  readonly url: URL;
  readonly status: number;
}

async function folderPage(address: string, options: RequestOptions): Promise<FolderPage> {
  const answer = await request(address, options);
  return { html: await wholePage(answer), url: answer.url, status: answer.status };
}

async function listFolder(
  id: string,
  prefix: string,
  above: readonly string[],
  read: (id: string) => Promise<FolderPage>,
): Promise<DriveEntry[]> {
  const page = await read(id);
  const entries = linksOf(page.html);
  if (above.length === 0 && entries.length === 0) {
    if (parseHTML(page.html).document.querySelector("p.uc-error-subcaption") !== null) throw refusal(page);
    const e = {
      code: "DRIVE_FOLDER",
      expected: "files",
      name: `Drive's folder ${id}`,
      got: undefined,
      hint: BY_HAND,
    };
    throw unexpected("remote", e);
  }
  const names = new FileNames();
  const path = [...above, id];
  const files: DriveEntry[] = [];
  for (const entry of entries) {
    const before = names.clash(entry.name);
    if (before !== undefined) {
      const e = { code: "DRIVE_NAMES", name: `the folder ${prefix === "" ? id : prefix}`, got: entry.name };
      const expected = `names that every system keeps apart (there is ${before} before)`;
      throw unexpected("remote", { ...e, expected, hint: BY_HAND });
    }
    if (entry.kind === "file") files.push({ id: entry.id, path: `${prefix}${entry.name}` });
    else if (path.length < DEEPEST && !path.includes(entry.id)) {
      files.push(...(await listFolder(entry.id, `${prefix}${entry.name}/`, path, read)));
    }
  }
  return files;
}

interface Link {
  readonly kind: "file" | "folder";
  readonly id: string;
  readonly name: string;
}

function linksOf(html: string): Link[] {
  const { document } = parseHTML(html);
  return [...document.querySelectorAll("a[href]")].flatMap((link): Link[] => {
    const path = link.getAttribute("href") ?? "";
    const key = /[?&]resourcekey=([\w-]+)/.exec(path)?.[1];
    const text = (link.querySelector(".flip-entry-title") ?? link).textContent ?? "";
    const file = /^[^?#]*\/file\/d\/([\w-]{10,})/.exec(path)?.[1];
    if (file !== undefined) return [{ kind: "file", id: withKey(file, key), name: safeName(text) }];
    const folder = /^[^?#]*\/drive\/folders\/([\w-]{10,})/.exec(path)?.[1];
    return folder === undefined ? [] : [{ kind: "folder", id: withKey(folder, key), name: safeName(text) }];
  });
}

// Errors of the operating system in plain words: the one table from its codes to what is wrong and what to do about it.
// Sources: errno(3), libuv's and libc's words for it. Invariant: wherever such an error comes from (Node, a worker, a
// child process, libvips, ONNX Runtime, a loader), it becomes a fault of the data with the path, never one of this program.
import { AppError, show } from "./errors.ts";

interface Refusal {
  /** What libc calls it, for libraries that pass on words only. */
  readonly words?: string | undefined;
  readonly hint: string;
}

const SPACE = "free some space there, or give a place on another disk, then run the same command again";
const NAMES = "check every part of this path: one is a file where a folder has to be";
const RIGHTS = "run as a user who may do this, change the permissions (chmod, chown), or give another place";
const HANDLES = "allow more open files (ulimit -n 4096), or use fewer --threads and --workers";
const DISK = "check the disk and its connection (dmesg, smartctl), then run the same command again";
const MEMORY = "free memory, or use fewer --threads and --workers, or a smaller --batch";
const AGAIN = "wait until nothing else uses it, then run the same command again";

/** Every code that is reported; an error in which none of them is found is not the system's. */
export const REFUSALS = {
  ENOSPC: { words: "No space left on device", hint: SPACE },
  EDQUOT: { words: "Disk quota exceeded", hint: `your quota is used up: ${SPACE}` },
  EFBIG: { words: "File too large", hint: "give a place whose file system and limits (ulimit -f) allow it" },
  EROFS: { words: "Read-only file system", hint: "this disk is mounted to be read only: give another place" },
  EACCES: { words: "Permission denied", hint: RIGHTS },
  EPERM: { words: "Operation not permitted", hint: RIGHTS },
  EISDIR: { words: "Is a directory", hint: "this is a folder: give the name of a file" },
  ENOTDIR: { words: "Not a directory", hint: NAMES },
  EEXIST: { words: "File exists", hint: "something else has this name: remove it, or give another place" },
  ENOTEMPTY: { words: "Directory not empty", hint: "another program writes there: give another place" },
  ELOOP: {
    words: "Too many levels of symbolic links",
    hint: "a symbolic link leads back to itself: mend it",
  },
  ENAMETOOLONG: { words: "File name too long", hint: "give a shorter name: 255 bytes a part, 4096 in all" },
  ENOENT: { words: "No such file or directory", hint: "check the path; another program may have removed it" },
  ENFILE: { words: "Too many open files in system", hint: HANDLES }, // before the words that it begins with
  EMFILE: { words: "Too many open files", hint: HANDLES },
  EIO: { words: "Input/output error", hint: DISK },
  ENXIO: { words: "No such device or address", hint: "give a plain file or folder" },
  ENODEV: { words: "No such device", hint: "give a plain file or folder" },
  ESPIPE: { words: "Illegal seek", hint: "give a plain file, not a pipe" },
  EBUSY: { words: "Device or resource busy", hint: AGAIN },
  ETXTBSY: { words: "Text file busy", hint: AGAIN },
  EXDEV: {
    words: "Invalid cross-device link",
    hint: "give a place on one disk: no mounts or links within it",
  },
  EMLINK: { words: "Too many links", hint: "give a place on another disk" },
  ESTALE: {
    words: "Stale file handle",
    hint: "the network disk changed: mount it again, run the same command",
  },
  EREMOTEIO: { words: "Remote I/O error", hint: DISK },
  ENOTCONN: { words: "Transport endpoint is not connected", hint: "mount this disk again" },
  ENOLCK: { words: "No locks available", hint: "give a place on a disk that knows locks" },
  ENOTSUP: {
    words: "Operation not supported",
    hint: "this disk cannot do that: give a place on another one",
  },
  EOPNOTSUPP: { hint: "this disk cannot do that: give a place on another one" },
  EILSEQ: { words: "Invalid or incomplete multibyte or wide character", hint: "give a name in UTF-8" },
  ENOMEM: { words: "Cannot allocate memory", hint: MEMORY },
  EAGAIN: { words: "Resource temporarily unavailable", hint: "end other programs, or raise ulimit -u" },
} as const satisfies Readonly<Record<string, Refusal>>;

/** A code of the table. */
export type Errno = keyof typeof REFUSALS;

const CODES = Object.keys(REFUSALS) as Errno[];
/** As `ENOSPC: no space left on device`, or in an answer of a worker: never within a longer word. */
const NAMED = new RegExp(`\\b(${CODES.join("|")})\\b`);

/** What is known of a refusal. */
export interface Refused {
  readonly code: Errno;
  /** The system's own words, e.g. `ENOSPC: no space left on device, write`. */
  readonly got: string;
  readonly hint: string;
  readonly path: string | undefined;
  readonly syscall: string | undefined;
}

/**
 * The system's refusal behind an error: its own code, or that of what caused it, or the words that a library hands on.
 *
 * @returns undefined if the system refused nothing
 * @example refusalOf(error)?.hint // "free some space there, ..."
 */
export function refusalOf(error: unknown): Refused | undefined {
  const chain = causesOf(error);
  const found = chain.find((each) => ownCode(each) !== undefined) ?? chain.find(saidCode);
  if (found === undefined) return undefined;
  const code = ownCode(found) ?? saidCode(found)!;
  const text = (key: string) =>
    chain
      .map((each) => (each as unknown as Record<string, unknown>)[key])
      .find((value): value is string => typeof value === "string");
  const [path, dest] = [text("path"), text("dest")];
  return {
    code,
    got: found.message === "" ? code : found.message,
    hint: REFUSALS[code].hint,
    path: path !== undefined && dest !== undefined ? `${path} -> ${dest}` : path,
    syscall: text("syscall"),
  };
}

/** An error, what caused it and what it gathers, the outermost first; a cycle ends. */
function causesOf(error: unknown, seen = new Set<unknown>()): Error[] {
  if (!(error instanceof Error) || seen.has(error)) return [];
  seen.add(error);
  const { cause, errors = [] } = error as {
    cause?: unknown | undefined;
    errors?: readonly unknown[] | undefined;
  };
  return [error, ...[cause, ...errors].flatMap((each) => causesOf(each, seen))];
}

/** `ENOSPC`; Node's own `ERR_FS_EISDIR` too. */
function ownCode(error: Error): Errno | undefined {
  const code = (error as { code?: unknown | undefined }).code;
  const name = typeof code === "string" ? code.replace(/^ERR_FS_(?=E)/, "") : undefined;
  return CODES.find((each) => each === name);
}

/** A code in the message of other code's error; AppErrors quote values of files, which may be any words. */
function saidCode(error: Error): Errno | undefined {
  if (error instanceof AppError) return undefined;
  const named = NAMED.exec(error.message)?.[1] as Errno | undefined;
  return named ?? CODES.find((code) => mentions(error.message, wordsOf(code)));
}

const wordsOf = (code: Errno) => (REFUSALS[code] as Refusal).words;

const mentions = (message: string, words: string | undefined) =>
  words !== undefined && message.toLowerCase().includes(words.toLowerCase());

const VERBS: Readonly<Record<string, string>> = {
  open: "open",
  read: "read",
  scandir: "list",
  opendir: "list",
  stat: "inspect",
  lstat: "inspect",
  statfs: "inspect",
  access: "inspect",
  mkdir: "make",
  write: "write",
  fsync: "write",
  fdatasync: "write",
  ftruncate: "write",
  copyfile: "copy",
  rename: "rename",
  link: "link",
  symlink: "link",
  unlink: "remove",
  rmdir: "remove",
  rm: "remove",
  spawn: "start",
};

/** No byte 0 may be in a name: Node refuses it before the system does. */
const isZeroByte = (error: unknown) =>
  error instanceof TypeError && /without null bytes/.test(error.message) && "code" in error;

/**
 * The same error where it is not the system's; in its place a fault of the data with the path and what to do.
 * Programs that use this package may call it on whatever its functions throw.
 *
 * @param path - of what was being done, for errors that do not know theirs
 * @returns AppError("data", "SYSTEM_<errno>"), or the error with the hint of its cause
 * @example try { await derive(options); } catch (error) { throw fromErrno(error); }
 */
export function fromErrno(error: unknown, path?: string): unknown {
  const worded = error instanceof AppError && error.kind !== "internal";
  if (worded && error.hint !== undefined) return error;
  const refused = refusalOf(error);
  if (worded) return refused === undefined ? error : withHint(error, refused.hint);
  if (refused === undefined) return isZeroByte(error) ? badName(error) : error;
  const { code, got, hint, syscall = "" } = refused;
  const what = VERBS[syscall] ?? "use";
  const message = `Expected to ${what} ${refused.path ?? path ?? "a file"}, got ${got}`;
  return new AppError("data", `SYSTEM_${code}`, message, { hint, cause: error });
}

function withHint(error: AppError, hint: string): AppError {
  const { kind, code, message, lines, cause } = error;
  return new AppError(kind, code, message.split("\n", 1)[0]!, { hint, lines, cause });
}

function badName(error: unknown): AppError {
  const hint = "correct the file that has this name; no name of a file may hold the byte 0";
  return new AppError("data", "FILE_NAME", `Expected a name without the byte 0, got ${show(error, 400)}`, {
    hint,
    cause: error,
  });
}

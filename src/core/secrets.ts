// ◇ Browser-safe. What no message shows: names and passwords in addresses, queries (which sign or carry tokens),
// tokens. Invariants: every message and hint of an AppError went through here before it was cut short; a text without
// a secret comes back as it is; the work grows with the text's length, not faster.

const HIDDEN = "…";
/** A longer text is never shown whole; what lies behind is dropped before it is searched. */
const LONGEST = 16_384;
/** What stands between blanks and quotes. */
const WORDS = /[^\s"'`<>]+/g;
const NAMED =
  /\b(access_token|id_token|refresh_token|token|sig|signature|api_?key|secret|client_secret|password|passwd|pwd|auth|authorization|credential|x-amz-[a-z-]{1,40}|x-goog-[a-z-]{1,40}|awsaccesskeyid|googleaccessid|resourcekey)=[^\s&"',;)]+/gi;
const HEADER = /\b((?:proxy-)?authorization["']?[:=] ?["']?)(?:(?:bearer|basic|token) )?[^\s"',]+/gi;
const BEARER = /\b(Bearer )[\w.~+/=-]{8,}/g;
const HUB_TOKEN = /\bhf_[A-Za-z0-9]{16,}/g;

/**
 * A text without the secrets of the addresses in it, and without tokens.
 *
 * @example withoutSecrets("https://me:pw@host/a.zip?sig=1") // "https://host/a.zip?…"
 */
export function withoutSecrets(text: string): string {
  const some = text.length > LONGEST ? `${text.slice(0, LONGEST)}${HIDDEN}` : text;
  if (!/\/\/|[@=]|bearer|hf_|authorization/i.test(some)) return some;
  const whole = /^\s*[a-z][a-z0-9+.-]{0,20}:\/\//i.test(some) && URL.canParse(some);
  return (whole ? withoutAddress(some) : some.replace(WORDS, withoutAddress))
    .replace(HEADER, `$1${HIDDEN}`)
    .replace(BEARER, `$1${HIDDEN}`)
    .replace(HUB_TOKEN, `hf_${HIDDEN}`)
    .replace(NAMED, `$1=${HIDDEN}`);
}

/** `scheme://user:password@host/path?query#key=value` without user, password, query and a fragment of keys. */
function withoutAddress(word: string): string {
  const slashes = word.indexOf("//");
  if (slashes < 0) return withoutUser(word);
  const rest = word.slice(slashes + 2);
  const [, authority, more] = /^([^/?#\\]*)([\s\S]*)$/.exec(rest)!;
  const [, path, tail] = /^([^?#]*)([\s\S]*)$/.exec(more!)!;
  return `${word.slice(0, slashes)}//${hostOf(authority!, path!)}${withoutQuery(tail!)}`;
}

/** Who has a slash in a password is not read as an address at all, and shown to nobody either. */
function hostOf(authority: string, path: string): string {
  if (authority.includes("@")) return authority.slice(authority.lastIndexOf("@") + 1) + path;
  const odd = /:(?!\d*$)/.test(authority) && !authority.startsWith("[");
  return odd && path.includes("@") ? path.slice(path.lastIndexOf("@") + 1) : authority + path;
}

function withoutQuery(tail: string): string {
  if (tail.startsWith("?")) return tail === "?" ? tail : `?${HIDDEN}`;
  return tail.includes("=") ? `#${HIDDEN}` : tail;
}

/** A repository of a hub at one of its revisions, in the same form. */
const REPOSITORY = /^hf:(datasets\/)?[\w.-]{1,100}\/[\w.-]{1,100}@[\w./+-]*[,;.)]?$/;

/** `user:password@host`, as it is given to programs without a scheme. */
function withoutUser(word: string): string {
  if (REPOSITORY.test(word)) return word;
  const at = word.lastIndexOf("@");
  return at > 0 && /^[^/=]*:/.test(word.slice(0, at)) ? `${HIDDEN}${word.slice(at)}` : word;
}

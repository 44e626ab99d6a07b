// The forms that values of `release`'s flags have.
import { unexpected } from "../../core/errors.ts";

interface Form {
  readonly pattern: RegExp;
  readonly expected: string;
}

/** Of a release. */
export const VERSION = { pattern: /^\d+\.\d+\.\d+$/, expected: "a version such as 1.0.0" };
/** Of a day. */
export const DATE = {
  pattern: /^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$/,
  expected: "a day such as 2026-11-24",
};
/** Of a place on the web. */
export const URL_FORM = { pattern: /^https?:\/\/[^\s"]+$/, expected: "an address that begins with https://" };

/** An option value of a form. */
export function matching(name: string, { pattern, expected }: Form): (text: string) => string {
  return (text) => {
    if (pattern.test(text)) return text;
    throw unexpected("input", { code: "FLAG", expected, name, got: text });
  };
}

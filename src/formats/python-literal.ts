// Python literals as text: what `ast.literal_eval` reads, as far as tables hold it. Nothing is ever run.
// Source: the Python language reference, 2.4 (literals). Dicts with string keys, lists, tuples (read as lists), strings
// without prefixes other than u, whole and floating numbers, True, False, None; and nan and inf, which repr() writes.
// Invariant: reading what was written gives the same value.
import { AppError, show } from "../core/errors.ts";

/** A value that a literal can hold. */
export type Literal =
  | string
  | number
  | boolean
  | null
  | readonly Literal[]
  | { readonly [key: string]: Literal };

const MAX_DEPTH = 100;

/**
 * Reads one Python literal.
 *
 * @param text - e.g. `{'mean_acc': 0.91, 'flag_on': True, 'seeds': [42, 123]}`
 * @param where - for messages
 * @throws AppError("data", "PYTHON_LITERAL") with the position of what is not understood
 * @example readLiteral("{'flag_on': True}") // { flag_on: true }
 */
export function readLiteral(text: string, where?: string): Literal {
  const reader = new Reader(text, where);
  const value = reader.value(0);
  reader.end();
  return value;
}

/** One pass over the text. */
class Reader {
  readonly #text: string;
  readonly #where: string | undefined;
  #at = 0;

  constructor(text: string, where: string | undefined) {
    this.#text = text;
    this.#where = where;
  }

  value(depth: number): Literal {
    if (depth > MAX_DEPTH) throw this.#bad("fewer nested brackets");
    const char = this.#peek();
    if (char === "{") return this.#dict(depth);
    if (char === "[") return this.#items("[", "]", depth).items;
    if (char === "(") {
      const { items, comma } = this.#items("(", ")", depth);
      return items.length === 1 && !comma ? items[0]! : items; // (x) is x, (x,) a tuple
    }
    if (char === "'" || char === '"' || /^u['"]/.test(this.#text.slice(this.#at))) return this.#string();
    return this.#word();
  }

  end(): void {
    if (this.#peek() !== "") throw this.#bad("the end");
  }

  #peek(): string {
    while (/\s/.test(this.#text[this.#at] ?? "")) this.#at++;
    return this.#text[this.#at] ?? "";
  }

  #take(char: string): boolean {
    if (this.#peek() !== char) return false;
    this.#at++;
    return true;
  }

  #items(open: string, close: string, depth: number): { items: Literal[]; comma: boolean } {
    this.#take(open);
    const items: Literal[] = [];
    let comma = false;
    while (!this.#take(close)) {
      if (items.length > 0 && !comma) throw this.#bad(`"," or "${close}"`);
      items.push(this.value(depth + 1));
      comma = this.#take(",");
    }
    return { items, comma };
  }

  #dict(depth: number): Literal {
    this.#take("{");
    const entries: [string, Literal][] = [];
    let comma = true;
    while (!this.#take("}")) {
      if (!comma) throw this.#bad('"," or "}"');
      this.#peek();
      const key = this.value(depth + 1);
      if (typeof key !== "string") throw this.#bad("a string as key");
      if (!this.#take(":")) throw this.#bad('":"');
      entries.push([key, this.value(depth + 1)]);
      comma = this.#take(",");
    }
    return Object.fromEntries(entries);
  }

  #string(): string {
    if (this.#text[this.#at] === "u") this.#at++;
    const quote = this.#text[this.#at++]!;
    let out = "";
    for (;;) {
      const char = this.#text[this.#at++];
      if (char === undefined || char === "\n") throw this.#bad(`a closing ${quote}`);
      if (char === quote) return out;
      out += char === "\\" ? this.#escape() : char;
    }
  }

  #escape(): string {
    const char = this.#text[this.#at++] ?? "";
    const plain = ESCAPES[char];
    if (plain !== undefined) return plain;
    const digits = { x: 2, u: 4, U: 8 }[char];
    const hex = digits === undefined ? "" : this.#text.slice(this.#at, this.#at + digits);
    const code = Number.parseInt(hex, 16);
    if (digits === undefined || !/^[0-9a-fA-F]+$/.test(hex) || hex.length < digits || code > 0x10ffff) {
      throw this.#bad("a known escape");
    }
    this.#at += digits;
    return String.fromCodePoint(code);
  }

  #word(): Literal {
    const [word = ""] =
      /^[-+]?[A-Za-z0-9_.]+(?<=[eE])[-+]?[0-9_]+|^[-+]?[A-Za-z0-9_.]+/.exec(this.#text.slice(this.#at)) ?? [];
    const known = WORDS.get(word);
    const number = /^[-+]?(\d[\d_]*(\.[\d_]*)?|\.\d[\d_]*)([eE][-+]?\d+)?$/.test(word)
      ? Number(word.replaceAll("_", ""))
      : undefined;
    const value = known === undefined ? number : known;
    if (value === undefined) throw this.#bad("a literal");
    this.#at += word.length;
    return value;
  }

  #bad(expected: string): AppError {
    const found = this.#text.slice(this.#at, this.#at + 20);
    const place =
      this.#where === undefined ? `character ${this.#at + 1}` : `${this.#where}, character ${this.#at + 1}`;
    const message = `Expected ${expected} in a Python literal, got ${found === "" ? "its end" : show(found)} (${place})`;
    return new AppError("data", "PYTHON_LITERAL", message);
  }
}

const ESCAPES: Readonly<Record<string, string>> = {
  "\\": "\\",
  "'": "'",
  '"': '"',
  n: "\n",
  r: "\r",
  t: "\t",
  a: "\x07",
  b: "\b",
  f: "\f",
  v: "\v",
  "0": "\0",
};

const WORDS = new Map<string, Literal>([
  ["True", true],
  ["False", false],
  ["None", null],
  ["nan", Number.NaN],
  ["inf", Number.POSITIVE_INFINITY],
  ["-inf", Number.NEGATIVE_INFINITY],
]);

/**
 * Writes a value as Python's repr() would, single-quoted.
 *
 * @example writeLiteral({ flag_on: true, mean_acc: 0.9 }) // "{'flag_on': True, 'mean_acc': 0.9}"
 */
export function writeLiteral(value: Literal): string {
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value === "number") return writeNumber(value);
  if (typeof value === "string") return writeString(value);
  if (Array.isArray(value)) return `[${value.map(writeLiteral).join(", ")}]`;
  const entries = Object.entries(value).map(([key, item]) => `${writeString(key)}: ${writeLiteral(item)}`);
  return `{${entries.join(", ")}}`;
}

function writeNumber(value: number): string {
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  return Object.is(value, -0) ? "-0.0" : String(value);
}

function writeString(text: string): string {
  const escaped = text.replace(/[\\'\n\r\t\0]/g, (char) => {
    const [name] = Object.entries(ESCAPES).find(([, plain]) => plain === char)!;
    return `\\${name}`;
  });
  return `'${escaped}'`;
}

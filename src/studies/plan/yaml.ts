// YAML as far as study files need it: one document of plain maps, lists and scalars, with lines for complaints.
// Aliases, merge keys, tags, keys that are not text and more than one document are refused, not resolved: the contents of a
// study stand where they are read, nothing in it can unfold, refer to itself or become another type.
import {
  type Document,
  isCollection,
  isMap,
  isPair,
  isScalar,
  LineCounter,
  type Node,
  parseDocument,
  visit,
} from "yaml";
import { AppError, unexpected } from "../../core/errors.ts";

/** A parsed text. */
export interface ParsedYaml {
  readonly document: Document;
  /** As plain data. */
  readonly value: unknown;
  /** File and line of an offset. */
  lineAt(offset: number): string;
}

/** Far more than people write; the parser takes up to 10 µs a character. */
const MAX_CHARS = 1 << 16;
const MAX_DEPTH = 64;
const MERGE = "<<";

/**
 * Parses a study's text, or another that people write.
 *
 * @param where - names it in messages
 * @param what - what kind of file it is
 * @throws AppError("input", "STUDY_SYNTAX") with file and line
 * @example parseYaml("name: small", "small.yaml").value // { name: "small" }
 */
export function parseYaml(text: string, where: string, what = "a study file"): ParsedYaml {
  const refuse = (got: unknown, place: string, hint?: string) =>
    unexpected("input", {
      code: "STUDY_SYNTAX",
      expected: "plain YAML or JSON",
      name: what,
      got,
      where: place,
      hint,
    });
  if (text.length > MAX_CHARS) throw refuse(`${text.length} characters`, where, `give ${what}`);
  const lines = new LineCounter();
  const lineAt = (offset: number) => `${where}:${lines.linePos(offset).line}`;
  try {
    checkDepth(text);
    // The parser compares every key with every other one; findForeign does not.
    const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: false });
    const fault = document.errors[0] ?? findForeign(document) ?? document.warnings[0];
    if (fault === undefined) return { document, value: document.toJS() as unknown, lineAt };
    throw refuse(fault.message, lineAt(fault.pos[0]), "hint" in fault ? fault.hint : undefined);
  } catch (error) {
    if (error instanceof AppError) throw error;
    throw refuse(error, where); // the parser's own, e.g. on a stack that is too deep
  }
}

/** Brackets nest so deep only in files that are to exhaust the parser, which calls itself for each. */
function checkDepth(text: string): void {
  let depth = 0;
  for (const bracket of text.matchAll(/[[{}\]]|^(?:[-?:] ){64}/gm)) {
    depth = Math.max(0, depth + ("]}".includes(bracket[0]) ? -1 : bracket[0].length));
    if (depth > MAX_DEPTH) throw new RangeError(`more than ${MAX_DEPTH} nested brackets or lists`);
  }
}

interface Foreign {
  readonly message: string;
  readonly pos: readonly [number];
  readonly hint: string;
}

/** The first part of a document that is more than plain data. */
function findForeign(document: Document): Foreign | undefined {
  let found: Foreign | undefined;
  const say = (node: unknown, message: string, hint: string) => {
    found = { message, hint, pos: [(node as Node | undefined)?.range?.[0] ?? 0] };
    return visit.BREAK;
  };
  visit(document, {
    Map: (_, { items }) => {
      const keys = new Set<unknown>();
      for (const { key } of items) {
        const value = isScalar(key) ? key.value : key;
        if (keys.has(value)) return say(key, `the key ${String(value)} twice`, "keep one of them");
        keys.add(value);
      }
      return undefined;
    },
    Alias: (_, node) => say(node, `the alias *${node.source}`, "write the values out where they belong"),
    Pair: (_, { key, value }) => {
      if (isScalar(key) && key.value === MERGE)
        return say(key, "the merge key <<", "write the keys out where they belong");
      if (isScalar(key) && typeof key.value === "string") return undefined;
      const at = isScalar(key) || isCollection(key) ? key : value;
      const got = isScalar(key) ? `the key ${String(key.value)}, which is no text` : "a key that is no text";
      return say(at, got, "put the key in quotes");
    },
  });
  if (found !== undefined) return found;
  visit(document, {
    Value: (_, node) =>
      node.tag === undefined ? undefined : say(node, `the tag ${node.tag}`, "write the value without a tag"),
  });
  return found;
}

/** Where a key or an item begins in the text; undefined where there is none. */
export function offsetOf(parent: unknown, key: PropertyKey): number | undefined {
  if (!isCollection(parent)) return undefined;
  if (!isMap(parent)) return (parent.items[key as number] as Node | undefined)?.range?.[0];
  for (const item of parent.items) {
    if (isPair(item) && isScalar(item.key) && item.key.value === key) return item.key.range?.[0];
  }
  return undefined;
}

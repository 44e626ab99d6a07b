// Types of Parquet columns: ours, and which types of other writers (pandas, pyarrow, polars) are equivalent.
// Source: parquet-format, LogicalTypes.md. Invariant: a value of another writer is read as itself or refused, never rounded.
import type { FileMetaData, SchemaElement } from "hyparquet";
import { AppError, show, unexpected } from "../../core/errors.ts";

/** Column types; `?` allows null. */
export type ParquetType = BasicType | `${BasicType}?`;
type BasicType = "string" | "int32" | "int64" | "double" | "boolean";

/** Type of each column, in file order. */
export type ParquetSchema = Readonly<Record<string, ParquetType>>;

interface Values {
  string: string;
  int32: number;
  int64: bigint | number;
  double: number;
  boolean: boolean;
}
/** Values of a column type. */
export type Cell<T extends ParquetType> = T extends BasicType
  ? Values[T]
  : T extends `${infer B extends BasicType}?`
    ? Values[B] | null
    : never;

/** A table by columns, all equally long. */
export type ParquetTable<S extends ParquetSchema> = { readonly [C in keyof S]: readonly Cell<S[C]>[] };

interface TypeRule {
  /** What we write. */
  readonly physical: "BYTE_ARRAY" | "INT32" | "INT64" | "DOUBLE" | "BOOLEAN";
  /** What else is read: pandas makes int64 or, beside nulls, doubles of our int32, and float32 to save space. */
  readonly others: readonly string[];
  readonly valid: (value: unknown) => boolean;
}

const TYPES: { readonly [T in BasicType]: TypeRule } = {
  string: { physical: "BYTE_ARRAY", others: [], valid: (value) => typeof value === "string" },
  int32: {
    physical: "INT32",
    others: ["INT64", "DOUBLE", "FLOAT", "BOOLEAN"],
    valid: (value) => typeof value === "number" && (value | 0) === value,
  },
  int64: {
    physical: "INT64",
    others: ["INT32"],
    valid: (value) => typeof value === "bigint" || Number.isSafeInteger(value),
  },
  double: { physical: "DOUBLE", others: ["FLOAT"], valid: (value) => typeof value === "number" },
  boolean: { physical: "BOOLEAN", others: [], valid: (value) => typeof value === "boolean" },
};

/** The schema elements of columns that we write. */
export function schemaElements(schema: ParquetSchema): SchemaElement[] {
  return Object.entries(schema).map(([name, type]): SchemaElement => {
    const { basic, nullable } = parseType(type);
    return {
      name,
      type: TYPES[basic].physical,
      repetition_type: nullable ? "OPTIONAL" : "REQUIRED",
      ...(basic === "string" ? { converted_type: "UTF8" } : {}),
    };
  });
}

/** Calls `fail` for each value that is not of the type. */
export function checkValues(
  values: readonly unknown[],
  type: ParquetType,
  fail: (row: number, got: unknown) => never,
): void {
  const { basic, nullable } = parseType(type);
  const { valid } = TYPES[basic];
  for (let row = 0; row < values.length; row++) {
    const value = values[row];
    if (!valid(value) && !(nullable && value === null)) fail(row, value);
  }
}

function parseType(type: ParquetType): { basic: BasicType; nullable: boolean } {
  const nullable = type.endsWith("?");
  return { basic: (nullable ? type.slice(0, -1) : type) as BasicType, nullable };
}

/** A value as read, in the type that its column is asked for; what has none there stays as it is, to be refused. */
export function convertValue(value: unknown, type: ParquetType): unknown {
  if (parseType(type).basic !== "int32") return value;
  if (value === 0) return 0; // not -0, which doubles may have
  return typeof value === "bigint" || typeof value === "boolean" ? Number(value) : value;
}

/**
 * Checks that a file has the columns, each of its type or of an equivalent one.
 *
 * @throws AppError("data", "PARQUET_COLUMN")
 */
export function checkSchema(metadata: FileMetaData, schema: ParquetSchema, path: string): void {
  const found = topColumns(metadata.schema, path);
  for (const [name, type] of Object.entries(schema)) {
    const element = found.get(name);
    if (element === undefined) {
      const message = `Expected column ${name} in ${path}, got the columns ${[...found.keys()].join(", ")}`;
      throw new AppError("data", "PARQUET_COLUMN", message, {
        hint: "make the file again with this version",
      });
    }
    if (isOfType(element, parseType(type))) continue;
    const meaning = element.converted_type ?? element.logical_type?.type;
    const got = [element.type, meaning].filter((part) => part !== undefined).join(" ");
    throw columnError(path, type, `column ${name}`, got);
  }
}

/** A table's own columns, by name: not what a struct among them is made of. */
export function topColumns(schema: readonly SchemaElement[], path: string): Map<string, SchemaElement> {
  const found = new Map<string, SchemaElement>();
  let inner = 0; // elements that belong to the last column
  for (const element of schema.slice(1)) {
    if (inner > 0) inner--;
    else if (!found.has(element.name)) found.set(element.name, element);
    else {
      const message = `Expected each column once in ${path}, got two columns ${show(element.name)}`;
      throw new AppError("data", "PARQUET_COLUMN", message, { hint: "make the file again without one" });
    }
    inner += Math.max(0, element.num_children ?? 0);
  }
  return found;
}

/** True if nothing lends the physical type another meaning (dates, decimals, nested lists). */
function isOfType(element: SchemaElement, { basic, nullable }: ReturnType<typeof parseType>): boolean {
  const { type, repetition_type: repetition, converted_type: converted, logical_type: logical } = element;
  if (repetition === "REPEATED" || type === undefined) return false;
  if (nullable && logical?.type === "NULL") return true; // a column of nothing else, as pyarrow writes it
  const { physical, others } = TYPES[basic];
  if (type !== physical && !others.includes(type)) return false;
  if (basic === "string")
    return converted === "UTF8" || (converted === undefined && logical?.type === "STRING");
  const integer = type === "INT32" || type === "INT64";
  const plain = /^U?INT_(8|16|32|64)$/;
  return integer
    ? (converted === undefined || plain.test(converted)) &&
        (logical === undefined || logical.type === "INTEGER")
    : converted === undefined && logical === undefined;
}

/**
 * The type to read a column as, if its values are to become text.
 *
 * @throws AppError("data", "PARQUET_COLUMN") for dates, decimals, bytes and lists
 */
export function textualType(element: SchemaElement, path: string): ParquetType {
  const basic = (["string", "boolean", "int64", "double"] as const).find((b) =>
    isOfType(element, { basic: b, nullable: true }),
  );
  if (basic !== undefined) return `${basic}?`;
  const got = [element.type, element.converted_type ?? element.logical_type?.type].filter(
    (part) => part !== undefined,
  );
  throw unexpected("data", {
    code: "PARQUET_COLUMN",
    expected: "text, numbers or truth values",
    name: `column ${element.name}`,
    got: got.join(" "),
    where: path,
    hint: "write the column as text, or leave it out",
  });
}

/** The error of a column or value of another type. */
export function columnError(path: string, type: ParquetType, name: string, got: unknown): AppError {
  const hint = "make the file again with this version";
  return unexpected("data", {
    code: "PARQUET_COLUMN",
    expected: `type ${type}`,
    name,
    got,
    where: path,
    hint,
  });
}

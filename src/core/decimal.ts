// ◇ Browser-safe. Numbers in text from outside: cells of tables and values of flags.
// Number() also takes "0x1", "Infinity", "" and blanks, each of which is a fault of the text and not the number meant.

const DECIMAL = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

/**
 * A decimal number, with or without a point and an exponent.
 *
 * @param text - without blanks around it
 * @returns undefined for anything else: other bases, Infinity, nothing, a decimal comma
 * @example decimal("1e-3") // 0.001
 */
export function decimal(text: string): number | undefined {
  if (!DECIMAL.test(text)) return undefined;
  const value = Number(text);
  return Number.isFinite(value) ? value : undefined;
}

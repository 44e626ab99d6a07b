// What axe-core finds in a page: WCAG 2.2 AA.
// Source: https://github.com/dequelabs/axe-core. It is run by the browser's debugger, since the page's policy lets no script in.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Page } from "playwright-core";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];

/** Rules that are broken, each with the elements; nothing where all is well. */
export async function violations(page: Page): Promise<string[]> {
  if (!(await page.evaluate(() => "axe" in globalThis))) await page.evaluate(AXE);
  return page.evaluate(async (tags) => {
    const { axe } = globalThis as unknown as { readonly axe: typeof import("axe-core") };
    const found = await axe.run(document, {
      runOnly: { type: "tag", values: tags },
      resultTypes: ["violations"], // of what holds, axe would describe every element
    });
    return found.violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`);
  }, TAGS);
}

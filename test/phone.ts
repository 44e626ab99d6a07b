// How wide a page is on a telephone, measured by the Chromium of this machine, if it has one.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

/** The browser's command, or undefined. */
export const CHROMIUM = ["chromium", "chromium-browser", "google-chrome"].find(
  (name) => spawnSync(name, ["--version"], { stdio: "ignore" }).status === 0,
);

export const WHY_NO_PHONE = "needs Chromium, which this machine does not have";

/**
 * Width of a page's content in a window of `widthPx`, and what in it stands out, but for boxes that scroll by themselves.
 *
 * @param html - a page that needs no other file
 */
export function measurePage(
  html: string,
  widthPx: number,
): { readonly contentPx: number; readonly windowPx: number; readonly out: readonly string[] } {
  const dir = mkdtempSync(join(tmpdir(), "facehand-phone-"));
  try {
    writeFileSync(join(dir, "page.html"), html);
    writeFileSync(join(dir, "frame.html"), frame(widthPx));
    const flags = [
      "--headless",
      "--no-sandbox",
      "--disable-gpu",
      "--hide-scrollbars",
      "--allow-file-access-from-files",
    ];
    const address = pathToFileURL(join(dir, "frame.html")).href;
    const { stdout } = spawnSync(
      CHROMIUM!,
      [...flags, `--user-data-dir=${join(dir, "user")}`, "--virtual-time-budget=8000", "--dump-dom", address],
      { encoding: "utf8", maxBuffer: 64 << 20, timeout: 100_000 },
    );
    const found = /<pre id="found">([^<]+)<\/pre>/.exec(stdout)?.[1];
    if (found === undefined) throw new Error(`Chromium gave no measure: ${stdout.slice(0, 300)}`);
    return JSON.parse(Buffer.from(found, "base64").toString("utf8")) as ReturnType<typeof measurePage>;
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** A frame can be as narrow as a telephone, which a window of the browser cannot. */
const frame = (widthPx: number) => `<!doctype html><meta charset="utf-8">
<iframe id="page" src="page.html" style="width:${widthPx}px;height:4000px;border:0"></iframe><pre id="found"></pre>
<script>
page.onload = () => {
  const root = page.contentDocument.documentElement;
  const out = [...root.querySelectorAll("*")]
    .filter((e) => e.getBoundingClientRect().right > ${widthPx} + 1 && e.closest(".scroll") === null)
    .map((e) => e.tagName.toLowerCase() + " " + e.textContent.slice(0, 60));
  const text = JSON.stringify({ contentPx: root.scrollWidth, windowPx: root.clientWidth, out: out.slice(0, 20) });
  found.textContent = btoa(String.fromCharCode(...new TextEncoder().encode(text)));
};
</script>`;

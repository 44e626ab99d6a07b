// Plays the audit of docs/audit.md on the drawn sample in Chromium, as two annotators and one who settles, and takes its pictures.
// What they answer is scripted: the recorded class, but for some pairs by their place; nobody drawn is real.
// Usage: node scripts/audit-figures.mjs DEMO OUT (a folder of `npm run demo` without judgements; a folder for the pictures)
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { chromium } from "playwright-core";

const [demo, out] = process.argv.slice(2);
if (out === undefined) throw new Error("Expected two folders, DEMO and OUT");
const genders = new Map();
for (const split of ["train", "val", "test"])
  for (const line of readFileSync(join(demo, `pairs/${split}.csv`), "utf8")
    .split("\n")
    .slice(1)) {
    const [id, , , gender] = line.split(",");
    genders.set(id, gender?.toLowerCase());
  }

const server = spawn(process.execPath, ["bin/facehand.js", "serve", resolve(demo), "--port", "0"], {
  stdio: ["ignore", "pipe", "inherit"],
});
const url = String((await once(server.stdout, "data"))[0]).trim();
const browser = await chromium.launch({
  executablePath: "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu"],
});

/** A person in a browser of their own, at a queue. */
async function sit(who, queue) {
  const context = await browser.newContext({
    viewport: { width: 960, height: 880 },
    reducedMotion: "reduce",
  });
  const page = await context.newPage();
  await page.goto(url);
  const id = await page.evaluate(async () => {
    const { things } = await (await fetch("/api/things.json")).json();
    return things.find(({ kind, place }) => kind === "dataset" && place.endsWith("pairs")).id;
  });
  await page.evaluate((name) => localStorage.setItem("facehand.who", name), who);
  await page.goto(new URL(`/?as=${who}#/audit/${id}?${queue}`, url).href);
  await page.waitForSelector(".audit-progress, .audit-queues, table, .soft");
  return page;
}
const picture = async (page, name) => {
  await page.waitForFunction(() => [...document.images].every(({ complete }) => complete));
  await page.screenshot({ path: join(out, name), type: "jpeg", quality: 60 });
};

/** Judges all of a queue: the recorded class, or the other where `differs` says so. */
async function judge(page, differs) {
  let saved = 0;
  while ((await page.locator(".audit-finished").count()) === 0) {
    const source = await page.getAttribute(".audit-pair img", "src");
    const id = /F_(.*)\.jpg/.exec(source)[1];
    const isMale = genders.get(id) === "male";
    await page.keyboard.press(isMale !== differs(id) ? "m" : "f");
    await page.waitForSelector(`[data-saved="${++saved}"][data-waiting="0"]`);
  }
  return saved;
}

const anna = await sit("anna", "queue=control&size=30&seed=1");
await anna.waitForLoadState("networkidle");
await picture(anna, "audit-judging.jpg");
const sample = [...genders.keys()].filter(Boolean).sort();
const tenth = (id) => sample.indexOf(id) % 10 === 3;
console.log("anna", await judge(anna, tenth));
const ben = await sit("ben", "queue=second-pass&seed=1");
await ben.waitForSelector(".audit-pair img");
await picture(ben, "audit-blind.jpg");
console.log("ben", await judge(ben, (id) => sample.indexOf(id) % 20 === 3));
const dora = await sit("dora", "queue=disputes");
await dora.waitForSelector(".audit-said, .audit-finished");
await picture(dora, "audit-dispute.jpg");
console.log("dora", await judge(dora, tenth));
await browser.close();
server.kill("SIGINT");

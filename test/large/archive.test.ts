// An archive of more than 4 GiB, unpacked whole: entries larger than 32 bits can count, stored and deflated, and one behind
// them. By yazl, an independent writer. It takes 14 GB of disk for a minute or two: `npm run test:large`, not part of
// `npm test`.
import { execFileSync } from "node:child_process";
import { createWriteStream } from "node:fs";
import { mkdtemp, open, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { finished } from "node:stream/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import yazl from "yazl";
import { Random } from "../../src/core/random.ts";

const CHUNK = 1 << 20;
/** 4 GiB and 3 MiB. */
const CHUNKS = 4099;
let dir = "";
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "facehand-large-"));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

/** A sixtieth noise: deflate takes the rest away, which stays far from a bomb's ratio. Each chunk begins with its number. */
function chunks(): Readable {
  const random = Random.of(1);
  const chunk = Buffer.alloc(CHUNK);
  for (let i = 4; i < CHUNK / 60; i++) chunk[i] = random.int(256);
  return Readable.from(
    (function* () {
      for (let n = 0; n < CHUNKS; n++) {
        chunk.writeUInt32LE(n);
        yield Buffer.from(chunk);
      }
    })(),
  );
}

async function numbersIn(path: string): Promise<number[]> {
  const file = await open(path);
  const head = Buffer.alloc(4);
  const found: number[] = [];
  for (const n of [0, 2048, 4095, 4096, CHUNKS - 1]) {
    await file.read(head, 0, 4, n * CHUNK);
    found.push(head.readUInt32LE());
  }
  await file.close();
  return found;
}

it("unpacks entries of more than 4 GiB, and what lies behind them, in little memory", {
  timeout: 600_000,
}, async () => {
  const archive = join(dir, "large.zip");
  const zip = new yazl.ZipFile();
  const written = finished(zip.outputStream.pipe(createWriteStream(archive)));
  zip.addReadStream(chunks(), "palm/stored.jpg", { compress: false });
  zip.addReadStream(chunks(), "palm/deflated.jpg", { compressionLevel: 1 });
  zip.addBuffer(Buffer.from("behind"), "palm/behind.jpg");
  zip.end();
  await written;
  expect((await stat(archive)).size).toBeGreaterThan(2 ** 32);
  const code = `const { unpackZip } = await import(${JSON.stringify(new URL("../../src/formats/zip/archive.ts", import.meta.url).href)});
    const { peakBytes } = await import(${JSON.stringify(new URL("../../src/machine/peak-memory.ts", import.meta.url).href)});
    const tree = await unpackZip(...JSON.parse(process.argv[1]));
    console.log(JSON.stringify([tree.files, tree.bytes, peakBytes() / 1024]));`;
  const args = ["--max-old-space-size=64", "--import", "tsx", "--input-type=module", "-e", code];
  const startMs = Date.now();
  const printed = execFileSync(process.execPath, [...args, JSON.stringify([archive, join(dir, "out")])], {
    encoding: "utf8",
  });
  const [files, bytes, kilobytes] = JSON.parse(printed) as number[];
  console.log(`unpacked ${bytes} bytes in ${(Date.now() - startMs) / 1000} s, at most ${kilobytes} kB`);
  expect([files, bytes]).toEqual([3, 2 * CHUNKS * CHUNK + 6]);
  expect(kilobytes!).toBeLessThan(250_000);
  for (const name of ["stored", "deflated"]) {
    const path = join(dir, "out", "palm", `${name}.jpg`);
    expect((await stat(path)).size).toBe(CHUNKS * CHUNK);
    expect(await numbersIn(path)).toEqual([0, 2048, 4095, 4096, CHUNKS - 1]);
  }
  expect(await readFile(join(dir, "out", "palm", "behind.jpg"), "utf8")).toBe("behind");
});

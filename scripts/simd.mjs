// `node scripts/simd.mjs`: compiles src/pixels/fast/simd (AssemblyScript) into the code above it, which is committed.
// The compiler is deterministic, so that a test can check whether the committed code is that of the sources.
import { writeFileSync } from "node:fs";
import { fileURLToPath, pathToFileURL } from "node:url";
import asc from "assemblyscript/asc";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const FLAGS = [
  "--enable",
  "simd",
  "--runtime",
  "stub",
  "--optimizeLevel",
  "3",
  "--noAssert",
  "--use",
  "abort=",
];
const PAGE = 65536;

/** Modules by their entry: the file of their code, its name, and the page of the one memory in which each has what it keeps. */
const MODULES = [
  { entry: "seeing", file: "code", name: "SIMD_CODE", page: 0, flags: [] },
  {
    entry: "making",
    file: "making-code",
    name: "MAKING_CODE",
    page: 1,
    flags: ["--importMemory", "--zeroFilledMemory", "--memoryBase", String(PAGE)],
  },
];

/** The texts of all files of code, by path. */
export async function simdCode() {
  const out = {};
  for (const module of MODULES) out[`src/pixels/fast/${module.file}.ts`] = await textOf(module);
  return out;
}

async function textOf({ entry, name, page, flags }) {
  let binary;
  const { error, stderr } = await asc.main(
    [`src/pixels/fast/simd/${entry}.ts`, "--outFile", "simd.wasm", ...FLAGS, ...flags],
    {
      writeFile: (_name, contents) => {
        binary = contents;
      },
      baseDir: ROOT,
    },
  );
  if (error !== null) throw new Error(`${error.message}\n${stderr.toString()}`);
  const env = { memory: new WebAssembly.Memory({ initial: page + 1 }) };
  const end = new WebAssembly.Instance(new WebAssembly.Module(binary), { env }).exports.keptUntil();
  if (end > (page + 1) * PAGE)
    throw new Error(`Expected ${entry}.ts to keep one page, got ${end - page * PAGE} bytes`);
  const text = Buffer.from(binary).toString("hex");
  return [
    "// ◇ Browser-safe. WebAssembly made of the sources in simd/ by `node scripts/simd.mjs`; do not edit.",
    "",
    "/** The module, two hexadecimal digits a byte: compressed, as pages load it, less than base64. */",
    `export const ${name} =`,
    `  "${text}";`,
    "",
  ].join("\n");
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  for (const [path, text] of Object.entries(await simdCode())) writeFileSync(`${ROOT}${path}`, text);
}

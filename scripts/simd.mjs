// `node scripts/simd.mjs`: compiles src/pixels/fast/simd (AssemblyScript) into code.ts above it, which is committed.
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

/** The text of src/pixels/fast/code.ts. */
export async function simdCode() {
  let binary;
  const { error, stderr } = await asc.main(
    ["src/pixels/fast/simd/index.ts", "--outFile", "simd.wasm", ...FLAGS],
    {
      writeFile: (_name, contents) => {
        binary = contents;
      },
      baseDir: ROOT,
    },
  );
  if (error !== null) throw new Error(`${error.message}\n${stderr.toString()}`);
  const text = Buffer.from(binary).toString("hex");
  return [
    "// ◇ Browser-safe. WebAssembly made of the sources in simd/ by `node scripts/simd.mjs`; do not edit.",
    "",
    "/** The module, two hexadecimal digits a byte: compressed, as pages load it, less than base64. */",
    "export const SIMD_CODE =",
    `  "${text}";`,
    "",
  ].join("\n");
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  writeFileSync(`${ROOT}src/pixels/fast/code.ts`, await simdCode());
}

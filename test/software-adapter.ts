// A graphics card in software, for tests of WebGPU: SwiftShader, which Chromium brings for Vulkan, with a Vulkan loader.
import { existsSync } from "node:fs";
import { delimiter, dirname } from "node:path";

const ADAPTERS = [
  "/usr/lib/chromium/vk_swiftshader_icd.json",
  "/usr/lib/chromium-browser/vk_swiftshader_icd.json",
  "/opt/google/chrome/vk_swiftshader_icd.json",
];

/** Where it is described; undefined where there is none. */
export const ADAPTER = ADAPTERS.find((path) => existsSync(path));

/** The environment of a process that has it for its card; the loader beside it serves where the system has none (libvulkan1). */
export function software(): NodeJS.ProcessEnv {
  const { LD_LIBRARY_PATH: others } = process.env;
  const loaders = [dirname(ADAPTER!), ...(others === undefined ? [] : [others])].join(delimiter);
  return { ...process.env, VK_DRIVER_FILES: ADAPTER!, VK_ICD_FILENAMES: ADAPTER!, LD_LIBRARY_PATH: loaders };
}

// What the driver of an NVIDIA card reports of it; nothing where there is none.
import { spawnSync } from "node:child_process";

const ask = (what: string): string | undefined => {
  const args = [`--query-gpu=${what}`, "--format=csv,noheader,nounits"];
  const { status, stdout } = spawnSync("nvidia-smi", args, { encoding: "utf8" });
  return status === 0 ? stdout.trim().split("\n")[0] : undefined;
};

/** The first card; or the software adapter that Vulkan is made to take; null if nobody says. */
export function cardName(): string | null {
  const chosen = process.env["VK_DRIVER_FILES"] ?? "";
  return ask("name") ?? (chosen.includes("swiftshader") ? "SwiftShader (software)" : null);
}

/** Memory of the first card that is in use, by all processes, MB. */
export function cardMemoryMb(): number | undefined {
  const text = ask("memory.used");
  return text === undefined ? undefined : Number(text);
}

// Safetensors on the disk: read tensor by tensor, written whole or not at all. The format itself is safetensors.ts.
import { writeAtomic } from "../machine/files.ts";
import { openRanges } from "../machine/ranges.ts";
import { explained } from "../machine/sniff-file.ts";
import { encodeParts, headerEnd, parseHeader, type Safetensors, WHAT } from "./safetensors.ts";
import type { NamedTensor } from "./tensor.ts";

/**
 * Reads a safetensors file of any size, each tensor into memory of its own.
 *
 * @throws AppError("data", "FILE_MISSING" | "READ_FAILED" | "SAFETENSORS_...") as parseSafetensors
 */
export async function readSafetensors(path: string): Promise<Safetensors> {
  return await explained(path, ["safetensors"], WHAT, () => readParts(path));
}

/**
 * The metadata of a safetensors file, without its tensors.
 *
 * @throws as readSafetensors
 */
export async function readSafetensorsMetadata(path: string): Promise<Safetensors["metadata"]> {
  return await explained(path, ["safetensors"], WHAT, async () => {
    const file = await openRanges(path, "a safetensors file");
    try {
      return (await readHeader(file, path)).metadata;
    } finally {
      await file.close();
    }
  });
}

async function readHeader(file: Awaited<ReturnType<typeof openRanges>>, path: string) {
  const { sizeBytes } = file;
  const dataStart = headerEnd(await file.read(0, Math.min(8, sizeBytes)), sizeBytes, path);
  const header = parseHeader(await file.read(8, dataStart - 8), sizeBytes - dataStart, path);
  return { ...header, dataStart };
}

async function readParts(path: string): Promise<Safetensors> {
  const file = await openRanges(path, "a safetensors file");
  try {
    const { placed, metadata, dataStart } = await readHeader(file, path);
    const tensors: NamedTensor[] = [];
    for (const { begin, end, ...tensor } of placed) {
      tensors.push({ ...tensor, data: await file.read(dataStart + begin, end - begin) });
    }
    return { tensors, metadata };
  } finally {
    await file.close();
  }
}

/**
 * Writes tensors in the given order, atomically.
 *
 * @param metadata - text by key, in the given order
 * @throws AppError("internal", "SAFETENSORS_WRITE") for a name given twice or data that do not fit the shape
 */
export async function writeSafetensors(
  path: string,
  tensors: readonly NamedTensor[],
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> {
  await writeAtomic(path, encodeParts(tensors, metadata));
}

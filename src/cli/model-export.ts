// `facehand model export`: a model as an ONNX file for other programs.
import type { Command } from "commander";
import { writeAtomic } from "../core/files.ts";
import { LABEL_NOTE } from "../evaluate/format.ts";
import { exportOnnx } from "../models/export.ts";
import { loadModel } from "../train/model-file.ts";
import { type Context, jsonOption, verb } from "./context.ts";

/** `facehand model export`. */
export function exportCommand({ print }: Context): Command {
  return verb("export", "export a model as ONNX: standard operators, batches of any size, BatchNorm folded")
    .argument("<ckpt>", "checkpoint (.safetensors), or a run folder for its best one")
    .requiredOption("--onnx <file>", "where to write the model")
    .addOption(jsonOption())
    .action(async (ckpt: string, { onnx, json }: { onnx: string; json?: boolean }) => {
      const { facts, weights } = await loadModel(ckpt);
      const { bytes, ...exported } = exportOnnx({ facts, weights });
      await writeAtomic(onnx, bytes);
      const { opset, inputs, outputs, nodes } = exported;
      const result = { path: onnx, sizeBytes: bytes.byteLength, ...exported };
      const { sizePx } = facts.pixels;
      const lines = [
        `${onnx}: ${facts.arch} ${facts.tag}, ${(bytes.byteLength / 1e6).toFixed(1)} MB, opset ${opset}, ${nodes} nodes`,
        `inputs   ${inputs.join(", ")} (images: u8 [batch, ${sizePx}, ${sizePx}, 3])`,
        `outputs  ${outputs.join(", ")}`,
        LABEL_NOTE,
      ];
      print(json === true ? JSON.stringify(result, null, 2) : lines.join("\n"));
    });
}

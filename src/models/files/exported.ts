// ◇ Browser-safe. A model that `model export` wrote, read back: what its ONNX file states about itself.
// Invariant: only this package's files are accepted: for others it is unknown how pixels are made, and what the output means.
import { AppError, unexpected } from "../../core/errors.ts";
import { decodeModel, type OnnxModel } from "../../formats/onnx.ts";
import { type ModelFacts, parseFacts } from "../facts.ts";

/** True for a name that an ONNX file would have. */
export function isOnnxName(path: string): boolean {
  return /\.onnx$/i.test(path);
}

/**
 * The facts in an exported model.
 *
 * @param path - for messages
 * @throws AppError("data", "ONNX_FOREIGN") for a file of another program, AppError("data", "ONNX_OUTPUTS") for one that
 *   lacks an output, AppError("data", "CHECKPOINT_FACTS"), and as decodeModel
 */
export function exportedFacts(bytes: Uint8Array, path: string): ModelFacts {
  const model = decodeModel(bytes);
  const text = model.metadata["facehand"];
  if (text === undefined) throw foreign(model, path);
  const facts = parseFacts(parsed(text, path), path);
  const wanted = [
    "logits",
    ...(facts.arch === "mag" ? ["gate", "heads"] : []),
    ...(facts.targets ?? []).map(({ name }) => name),
  ];
  const names = new Set(model.graph.outputs.map(({ name }) => name));
  const absent = wanted.find((name) => !names.has(name));
  if (absent === undefined) return facts;
  const e = {
    code: "ONNX_OUTPUTS",
    expected: `an output ${absent}`,
    name: "the model",
    got: [...names].join(", "),
  };
  throw unexpected("data", { ...e, where: path, hint: "export it again: an earlier version wrote it" });
}

function parsed(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    const message = `Expected valid facts in ${path}, got text that is no JSON`;
    throw new AppError("data", "CHECKPOINT_FACTS", message, { cause });
  }
}

function foreign({ producer, metadata }: OnnxModel, path: string): AppError {
  const known = Object.keys(metadata);
  const got = `${producer === "" ? "one without a producer" : `one by ${producer}`}, ${known.length === 0 ? "without metadata" : `with metadata ${known.join(", ")}`}`;
  return unexpected("data", {
    code: "ONNX_FOREIGN",
    expected: "an ONNX file that facehand model export wrote",
    name: "the model",
    got,
    where: path,
    hint: "give the checkpoint: of another network's file nobody knows how pixels are made, nor what its output means",
  });
}

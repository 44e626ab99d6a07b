// Whole models against timm and torch in float64, at small and odd sizes (see model-case.ts).
import { describe } from "vitest";
import { testCase } from "./model-case.ts";

const CASES = [
  "tiny-umcc",
  "tiny-umcc-same",
  "tiny-mag-soft",
  "tiny-mag-hard",
  "tiny-frozen",
  "mobilenetv2_100",
  "tf_efficientnetv2_s",
  "forward-tf_efficientnet_b0",
  "forward-efficientnet_b2",
  "forward-tf_efficientnet_lite0",
  "forward-tf_efficientnetv2_b1",
  "forward-mobilenetv2_140",
  "convnext_atto",
  "forward-convnext_nano",
  "forward-convnext_tiny",
  "vit_tiny_patch16_224",
  "avg-vit_tiny_patch16_224",
  "avg-vit_small_patch16_224",
  "avg-deit_small_patch16_224",
  "forward-vit_small_patch16_224",
  "forward-deit_small_patch16_224",
  "mobilenetv3_small_050",
  "forward-mobilenetv3_small_100",
  "forward-mobilenetv3_large_100",
  "resnet18",
  "forward-resnet34",
  "forward-resnet50",
] as const;

describe.each(CASES)("%s against timm", testCase);

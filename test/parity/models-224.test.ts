// One network of each family against timm and torch in float64 at 224 px, training and evaluation (see model-case.ts).
import { describe } from "vitest";
import { testCase } from "./model-case.ts";

const CASES = [
  "224-tf_efficientnetv2_b0",
  "224-mobilenetv2_050",
  "224-resnet18",
  "224-mobilenetv3_small_050",
  "224-convnext_atto",
  "224-vit_tiny_patch16_224",
] as const;

describe.each(CASES)("%s against timm", testCase);

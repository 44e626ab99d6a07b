// ◇ Browser-safe. Names and typed options of TensorFlow Lite's operators, as far as the importer knows them.
// Source: tensorflow/lite/schema/schema.fbs (enum BuiltinOperator and the *Options tables).

/** Builtin operators by code; codes past the end are shown as `BUILTIN_<code>`. */
export const BUILTIN_OPERATORS: readonly string[] = `
ADD AVERAGE_POOL_2D CONCATENATION CONV_2D DEPTHWISE_CONV_2D DEPTH_TO_SPACE DEQUANTIZE EMBEDDING_LOOKUP FLOOR
FULLY_CONNECTED HASHTABLE_LOOKUP L2_NORMALIZATION L2_POOL_2D LOCAL_RESPONSE_NORMALIZATION LOGISTIC
LSH_PROJECTION LSTM MAX_POOL_2D MUL RELU RELU_N1_TO_1 RELU6 RESHAPE RESIZE_BILINEAR RNN SOFTMAX SPACE_TO_DEPTH
SVDF TANH CONCAT_EMBEDDINGS SKIP_GRAM CALL CUSTOM EMBEDDING_LOOKUP_SPARSE PAD UNIDIRECTIONAL_SEQUENCE_RNN GATHER
BATCH_TO_SPACE_ND SPACE_TO_BATCH_ND TRANSPOSE MEAN SUB DIV SQUEEZE UNIDIRECTIONAL_SEQUENCE_LSTM STRIDED_SLICE
BIDIRECTIONAL_SEQUENCE_RNN EXP TOPK_V2 SPLIT LOG_SOFTMAX DELEGATE BIDIRECTIONAL_SEQUENCE_LSTM CAST PRELU MAXIMUM
ARG_MAX MINIMUM LESS NEG PADV2 GREATER GREATER_EQUAL LESS_EQUAL SELECT SLICE SIN TRANSPOSE_CONV SPARSE_TO_DENSE
TILE EXPAND_DIMS EQUAL NOT_EQUAL LOG SUM SQRT RSQRT SHAPE POW ARG_MIN FAKE_QUANT REDUCE_PROD REDUCE_MAX PACK
LOGICAL_OR ONE_HOT LOGICAL_AND LOGICAL_NOT UNPACK REDUCE_MIN FLOOR_DIV REDUCE_ANY SQUARE ZEROS_LIKE FILL FLOOR_MOD
RANGE RESIZE_NEAREST_NEIGHBOR LEAKY_RELU SQUARED_DIFFERENCE MIRROR_PAD ABS SPLIT_V UNIQUE CEIL REVERSE_V2 ADD_N
GATHER_ND COS WHERE RANK ELU REVERSE_SEQUENCE MATRIX_DIAG QUANTIZE MATRIX_SET_DIAG ROUND HARD_SWISH`
  .trim()
  .split(/\s+/);

/** TensorType by code; `undefined` for types no float graph needs. */
export const TENSOR_TYPES = [
  "float32",
  "float16",
  "int32",
  "uint8",
  "int64",
  undefined,
  "bool",
  undefined,
  undefined,
  "int8",
] as const;
export type TfliteDtype = NonNullable<(typeof TENSOR_TYPES)[number]>;

export const PADDINGS = ["same", "valid"] as const;
export type Padding = (typeof PADDINGS)[number];

export const ACTIVATIONS = ["none", "relu", "relu-1-to-1", "relu6", "tanh", "sign"] as const;
export type Activation = (typeof ACTIVATIONS)[number];

export interface ConvOptions {
  readonly padding: Padding;
  readonly strideH: number;
  readonly strideW: number;
  readonly dilationH: number;
  readonly dilationW: number;
  readonly activation: Activation;
}

export interface PoolOptions {
  readonly padding: Padding;
  readonly strideH: number;
  readonly strideW: number;
  readonly filterH: number;
  readonly filterW: number;
  readonly activation: Activation;
}

export interface FusedOptions {
  readonly activation: Activation;
}

/** Options of each operator the reader understands; the others have none. */
export interface OptionsOf {
  CONV_2D: ConvOptions;
  DEPTHWISE_CONV_2D: ConvOptions;
  MAX_POOL_2D: PoolOptions;
  AVERAGE_POOL_2D: PoolOptions;
  FULLY_CONNECTED: FusedOptions;
  ADD: FusedOptions;
  MUL: FusedOptions;
  CONCATENATION: FusedOptions & { readonly axis: number };
  RESIZE_BILINEAR: { readonly alignCorners: boolean; readonly halfPixelCenters: boolean };
  MEAN: { readonly keepDims: boolean };
  PAD: Readonly<Record<string, never>>;
  RESHAPE: Readonly<Record<string, never>>;
  RELU: Readonly<Record<string, never>>;
  RELU6: Readonly<Record<string, never>>;
  PRELU: Readonly<Record<string, never>>;
  LOGISTIC: Readonly<Record<string, never>>;
  DEQUANTIZE: Readonly<Record<string, never>>;
}
export type KnownOp = keyof OptionsOf;

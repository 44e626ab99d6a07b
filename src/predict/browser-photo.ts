// ◇ Browser-safe. Photos in a page: faces and hands are found by models whose bytes the page gives, and run by its own
// onnxruntime-web. Invariant: what is found, cut and predicted is decided by find/ and prepare.ts, as on a machine with Node.
import { AppError, unexpected } from "../core/errors.ts";
import { MODALITIES, type Modality } from "../core/words.ts";
import { type Ort, openPageSession } from "../engine/runtime/page-session.ts";
import { sha256Hex } from "../engine/sha256.ts";
import { type Finder, openFinderOn } from "../find/find.ts";
import { type ModelHost, PACKAGED, type PackagedModel } from "../find/models.ts";
import { Pictures, withPicture } from "../pixels/fast/pictures.ts";
import { checkOrt, type ExecutionProvider } from "./browser.ts";
import type { AskedModality, Predictor } from "./predictor.ts";
import { type Decode, type PhotoPrediction, predictPrepared, prepareCrops } from "./prepare.ts";

/** The files of MediaPipe's models, byte for byte as npm ships them; `readPackaged` of "facehand" reads them in Node. */
export type FinderFiles = Readonly<Partial<Record<PackagedModel, Uint8Array>>>;

/** What finds faces and hands in a page. */
export interface BrowserFinderOptions {
  /** `faces` to find faces; `palms` and `landmarks` to find hands. */
  readonly models: FinderFiles;
  /** The module onnxruntime-web, as it was imported. */
  readonly ort: Ort;
  /** In order of preference; default `["wasm"]`: the models are small. */
  readonly executionProviders?: readonly ExecutionProvider[] | undefined;
}

/**
 * Opens what finds faces and hands in photos; the caller closes it.
 *
 * @throws AppError("input", "ORT" | "FINDER_MODELS"), AppError("data", "FACE_MODEL" | "HAND_MODEL") for another file,
 *   AppError("input", "INSECURE_CONTEXT") where the browser cannot hash files
 * @example const finder = await openFinder({ ort, models: { faces } })
 */
export async function openFinder(options: BrowserFinderOptions): Promise<Finder> {
  const { models, ort, executionProviders = ["wasm"] } = options;
  checkOrt(ort);
  const modalities = MODALITIES.filter((modality) =>
    NEEDS[modality].every((model) => models[model] !== undefined),
  );
  if (modalities.length === 0) {
    throw unexpected("input", {
      code: "FINDER_MODELS",
      expected: "faces, or palms and landmarks",
      name: "models",
      got: Object.keys(models).join(", ") || "none",
      hint: 'readPackaged("faces") of "facehand" reads the files in Node',
    });
  }
  const host: ModelHost = {
    packaged: (model) => given(models, model),
    createSession: (model) => openPageSession(ort, model, { providers: executionProviders }),
    fitted: async (graph) => graph, // WebAssembly has no kernels in blocks
  };
  return openFinderOn(host, { modalities });
}

const NEEDS: Readonly<Record<Modality, readonly PackagedModel[]>> = {
  face: ["faces"],
  hand: ["palms", "landmarks"],
};

async function given(models: FinderFiles, model: PackagedModel) {
  const bytes = models[model]!;
  return { bytes, sha256: await sha256Hex(bytes), where: PACKAGED[model].file };
}

/** How a photo is predicted in a page. */
export interface BrowserPhotoOptions {
  /** Of openPredictor; it stays open. */
  readonly model: Predictor;
  /** Of openFinder; it stays open. Needed unless `detect` is false. */
  readonly finder?: Finder | undefined;
  /** Finds the face and the hand first; default true. False for what is a crop already. */
  readonly detect?: boolean | undefined;
  /** What is searched for, and predicted; default `auto`: a face and a hand, and MAG's gate decides. */
  readonly modality?: AskedModality | undefined;
  /** Gives the pixels of files other than plain JPEGs; where it is left out, plain JPEGs alone are read. */
  readonly decode?: Decode | undefined;
  /** What messages and answers call the photo. */
  readonly name?: string | undefined;
  /** Called with the number of faces or hands, if more than one. */
  readonly report?: ((text: string) => void) | undefined;
}

/**
 * Predicts one photo: finds the largest face and the largest hand, cuts them as derived datasets are cut, and asks the model.
 *
 * @param photo - the bytes of a whole file
 * @returns one prediction for each of hand and face that was found; of a crop, one
 * @throws AppError("input", "FINDER") if photos are to be searched without a finder
 * @throws AppError("data", "NO_FACE" | "NO_HAND" | "NO_FACE_OR_HAND") if there is none, "IMAGE_FORMAT" for a file that is not
 *   read, and as `decode`
 * @throws AppError("input", "MODALITY_REQUIRED") for a crop, if the model needs the modality and it is not given
 * @example const answers = await predictPhoto(bytes, { model, finder })
 */
export async function predictPhoto(
  photo: Uint8Array,
  options: BrowserPhotoOptions,
): Promise<PhotoPrediction[]> {
  const { model, finder, detect = true, modality = "auto", decode = plainJpegOnly } = options;
  const { name = "the photo", report = () => undefined } = options;
  const open = async () => finder ?? (detect ? noFinder() : NO_SEARCH);
  const asking = { facts: model.facts, modality, detect, report, decode };
  const crops = await prepareCrops(open, name, photo, asking);
  if (crops instanceof AppError) throw crops;
  return predictPrepared(model, crops);
}

/** Of a crop without a finder the sides alone say whether it may be one. */
const NO_SEARCH = { find: async () => undefined };

function noFinder(): never {
  throw unexpected("input", {
    ...{ code: "FINDER", expected: "what openFinder gives", name: "finder", got: "nothing" },
    hint: "give detect: false for an image that is a crop already",
  });
}

const plainJpegOnly: Decode = async (bytes, { name }) => {
  const photo = new Pictures().plainJpeg(bytes);
  if (photo !== undefined) return withPicture(photo, (picture) => picture.copy());
  throw unexpected("data", {
    code: "IMAGE_FORMAT",
    expected: "a JPEG of one scan, upright and without a colour profile",
    name: "the file",
    got: "another",
    where: name,
    hint: "give predictPhoto a decoder for other files",
  });
};

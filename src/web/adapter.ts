// ◇ Browser-safe. Whether this browser has an adapter of WebGPU, and of which kind.
// Source: the WebGPU specification (GPUAdapterInfo). Invariant: it is asked, never guessed from the browser's name.

/** What WebGPU offers here. */
export interface FoundAdapter {
  readonly runs: boolean;
  /** Slower than WebAssembly: taken only where it is asked for. */
  readonly software: boolean;
  /** What there is, or why there is none, in words for people. */
  readonly words: string;
}

/** What is used of WebGPU's interface, which TypeScript's DOM does not have. */
interface Gpu {
  requestAdapter(): Promise<{
    readonly info?: {
      readonly vendor?: string;
      readonly architecture?: string;
      readonly description?: string;
      readonly isFallbackAdapter?: boolean;
    };
  } | null>;
}

/** Asks the browser for an adapter of WebGPU; in a page as in a thread. */
export async function findAdapter(): Promise<FoundAdapter> {
  const { gpu } = navigator as Navigator & { readonly gpu?: Gpu | undefined };
  const none = (words: string): FoundAdapter => ({ runs: false, software: false, words });
  if (gpu === undefined) return none("a browser, or an address, without WebGPU");
  const adapter = await gpu.requestAdapter().catch(() => null);
  if (adapter === null) return none("no adapter of WebGPU");
  const { vendor, architecture, description, isFallbackAdapter } = adapter.info ?? {};
  const name = [vendor, architecture, description].filter((word) => word !== undefined && word !== "");
  const software = isFallbackAdapter === true || /swiftshader|llvmpipe|lavapipe/i.test(name.join(" "));
  const kind = software ? "a software adapter of WebGPU, slower than WebAssembly" : "WebGPU";
  return { runs: true, software, words: `${kind} (${[...new Set(name)].join(", ") || "unnamed"})` };
}

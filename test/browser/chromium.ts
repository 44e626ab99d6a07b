// Where Chromium is, if it is installed, and how tests start it.
import { existsSync } from "node:fs";
import { type Browser, chromium } from "playwright-core";

/** Where it may be. */
export const PLACES = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/** The browser, or undefined where none is installed. */
export const CHROMIUM: string | undefined = PLACES.find((path) => existsSync(path));

/**
 * The same engine without the browser's frame, as Debian packs it beside: pages in it take a sixth less processor time. It is
 * taken where it is there and Chromium is.
 */
const SHELL = ["/usr/bin/chromium-headless-shell"].find((path) => existsSync(path));

/**
 * Features that it is started without. The last such flag counts, so those that Playwright switches off stand here as well.
 * Ours are pages of the browser's own frame: one that nobody sees was made with every window, and took a third of the
 * processor time of tests.
 */
const WITHOUT = [
  ...["WebUIOmniboxPopup", "WebUIOmniboxAimPopup", "WebUIOmniboxFullPopup"],
  ...["AimEnabled", "LensOverlay", "MediaRouter", "NetworkTimeServiceQuerying", "OptimizationHints"],
  ...["PreconnectToSearch", "HttpsFirstBalancedModeAutoEnable", "HttpsUpgrades", "PaintHolding"],
  ...["AvoidCorsURLLoaderRestartOnRedirect", "AvoidUnnecessaryBeforeUnloadCheckSync"],
  ...["DestroyProfileOnBrowserClose", "ThirdPartyStoragePartitioning"],
];

/**
 * Work of a function in WebAssembly before it is optimised, as V8 counts it; 1,100 times its own. At 50 times, what optimises took a
 * fifth of the processor time of Predict's tests, anew in each page, and more than it saved.
 */
const LATE = 2_000_000_000;

/** How it is started. */
export interface LaunchOptions {
  readonly gpu?: boolean | undefined;
  /** True for what is measured: WebAssembly is optimised as early as it is for users, which takes longer than most tests compute. */
  readonly optimizes?: boolean | undefined;
  /** True for what needs the whole browser: a camera. */
  readonly whole?: boolean | undefined;
  /** More of its flags. */
  readonly flags?: readonly string[] | undefined;
}

/**
 * With a software adapter of WebGPU, which Chromium brings. Shared memory of a workgroup is zeroed by a loop in the shader, as it is
 * for adapters without an extension: SwiftShader makes a store for each word of it, which was nearly half of a training's processor time.
 */
export const SOFTWARE: LaunchOptions = {
  flags: [
    ...["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"],
    "--disable-dawn-features=use_vulkan_zero_initialize_workgroup_memory_extension",
  ],
  gpu: true,
};

/** The camera is a drawn one. */
const CAMERA = "--use-fake-device-for-media-stream";

/** Browsers of this process, by how they were started. */
const running = new Map<string, Promise<Browser>>();

/**
 * The browser of this process that was started like this: files of tests that share a process share it, each with pages of its own.
 * It ends with the process, and when whoever started the tests is gone: a browser that runs would keep the process.
 */
export async function sharedBrowser(how: LaunchOptions = {}): Promise<Browser> {
  const key = JSON.stringify([
    how.gpu ?? false,
    how.optimizes ?? false,
    how.whole ?? false,
    ...(how.flags ?? []),
  ]);
  const before = await running.get(key)?.catch(() => undefined);
  if (before?.isConnected()) return before;
  if (running.size === 0) process.once("disconnect", closeAll);
  const started = launch({ ...how, flags: [CAMERA, ...(how.flags ?? [])] });
  running.set(key, started);
  return started;
}

function closeAll(): void {
  // One that did not start has nothing to end.
  for (const one of running.values()) one.then((browser) => browser.close()).catch(() => undefined);
}

/** Starts it: what is measured in the whole browser, as users have it. */
export function launch(how: LaunchOptions = {}): Promise<Browser> {
  const { gpu = false, optimizes = false, whole = optimizes, flags = [] } = how;
  const off = [
    ...(gpu ? [] : ["--disable-gpu"]),
    ...(optimizes ? [] : [`--js-flags=--wasm-tiering-budget=${LATE}`]),
    `--disable-features=${WITHOUT.join(",")}`,
  ];
  return chromium.launch({
    executablePath: whole ? CHROMIUM! : (SHELL ?? CHROMIUM!),
    args: ["--no-sandbox", "--disable-background-networking", ...off, ...flags],
  });
}

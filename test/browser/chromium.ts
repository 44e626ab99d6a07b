// Where Chromium is, if it is installed.
import { existsSync } from "node:fs";

/** Where it may be. */
export const PLACES = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/** The browser, or undefined where none is installed. */
export const CHROMIUM: string | undefined = PLACES.find((path) => existsSync(path));

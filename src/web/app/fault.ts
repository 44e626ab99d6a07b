// ◇ Browser-safe. Whatever was thrown, as something that can be shown.
import { AppError } from "../../core/errors.ts";

/** What was thrown, as something that can be shown. */
export const faultOf = (error: unknown): AppError =>
  error instanceof AppError
    ? error
    : new AppError("internal", "PAGE", `Expected a page that works, got ${String(error)}`, {
        hint: "reload it; if it comes again, tell us what you did",
        cause: error,
      });

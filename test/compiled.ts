// Whether this machine can build and run the operators of engine/kernels, for tests that need them.
import { spawnSync } from "node:child_process";
import { lacking } from "../src/engine/kernels/library.ts";

const compiler = ["c++", "g++", "clang++"].some((name) => spawnSync(name, ["--version"]).status === 0);

/** Why these operators cannot be tested here; undefined if they can. */
export const NO_KERNELS: string | undefined = compiler ? lacking() : "no C++ compiler";

/** Appended to the names of tests that are skipped. */
export const WHY: string = NO_KERNELS === undefined ? "" : ` (skipped: ${NO_KERNELS})`;

// Loaded first by processes that tests start and that compute for seconds: V8 optimises what runs often eight times later than by
// itself, as in the processes of tests (vitest.config.ts). NODE_OPTIONS takes no such flag, but a file that sets it.
require("node:v8").setFlagsFromString("--interrupt-budget=500000");

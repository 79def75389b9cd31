import { defineConfig } from "vitest/config";

import { PATIENCE_MS } from "./patience.ts";

export default defineConfig({
  test: {
    include: process.env["MOSHIBAR_BENCH"] ? ["e2e/**/*.bench.ts"] : ["e2e/**/*.e2e.ts"],
    root: new URL("..", import.meta.url).pathname,
    // Each wait has its own patience: a test that is over it has failed there already, and says
    // where.
    testTimeout: 10 * PATIENCE_MS,
    hookTimeout: 2 * PATIENCE_MS,
    teardownTimeout: 5_000,
    fileParallelism: false,
  },
});

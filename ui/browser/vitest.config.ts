import { fileURLToPath } from "node:url";

import { defineConfig } from "vitest/config";

import { PATIENCE_MS } from "./window.ts";

// One browser does for all, with a tab for each worker. More workers than two would wait for that browser.
export default defineConfig({
  test: {
    root: fileURLToPath(new URL("..", import.meta.url)),
    include: ["browser/*.test.ts"],
    globalSetup: ["browser/stage.ts"],
    maxWorkers: 2,
    isolate: false,
    testTimeout: 4 * PATIENCE_MS,
    hookTimeout: 4 * PATIENCE_MS,
    expect: { poll: { timeout: PATIENCE_MS, interval: 20 } },
  },
});

import { defineConfig } from "vitest/config";

export default defineConfig({
  test: { include: process.env["MOSHIBAR_BENCH"] ? ["e2e/**/*.bench.ts"] : ["e2e/**/*.e2e.ts"], root: new URL("..", import.meta.url).pathname, testTimeout: 90_000, hookTimeout: 20_000, teardownTimeout: 5_000, fileParallelism: false },
});

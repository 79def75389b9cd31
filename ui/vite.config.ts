import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vitest/config";

const page = (name: string) => decodeURIComponent(new URL(`${name}.html`, import.meta.url).pathname);

export default defineConfig({
  plugins: [svelte()],
  // Pages in a browser (browser/) and in the app (e2e/) have configurations of their own.
  test: { include: ["src/**/*.test.ts"] },
  base: "./",
  clearScreen: false,
  server: { port: 5173, strictPort: true },
  build: {
    target: "safari16.4",
    // A data: URL would need its own exception in the content security policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      input: { popover: page("popover"), settings: page("settings"), history: page("history"), welcome: page("welcome") },
    },
  },
});

/** How evenly the frames of a talk reach the webview: `make bench-app`. Prints a row; nothing here fails for being slow. */
import { afterEach, expect, it } from "vitest";

import { endAll, RunningApp } from "./app";

const SECONDS = 60;

let app: RunningApp;
afterEach(endAll);

it("frames reach the webview", { timeout: 120_000 }, async () => {
  app = await RunningApp.start({ window: "popover", settings: { model: "nano" } });
  await app.press("Start talking");
  await app.says(/Moshi is (listening|speaking)/);
  await app.page.manage().setTimeouts({ script: (SECONDS + 20) * 1_000 });
  // Listens in on what the page is told, and lets it draw as ever.
  const times = await app.page.executeAsyncScript<number[]>(
    `const [milliseconds, done] = arguments;
     const times = [];
     const told = window.__TAURI_INTERNALS__.callbacks;
     for (const [id, callback] of told)
       told.set(id, (data) => {
         if (data?.message?.kind === "frame") times.push(performance.now());
         return callback(data);
       });
     setTimeout(() => done(times), milliseconds);`,
    SECONDS * 1_000,
  );
  const gaps = times.slice(1).map((time, index) => time - (times[index] ?? time)).sort((one, other) => one - other);
  expect(gaps.length, "frames were told").toBeGreaterThan(100);
  const at = (share: number) => (gaps[Math.min(gaps.length - 1, Math.floor(share * gaps.length))] ?? 0).toFixed(0);
  const rate = (times.length - 1) / (((times.at(-1) ?? 0) - (times[0] ?? 0)) / 1_000);
  console.log(`| frames that reach the webview | ${rate.toFixed(2)} a second, gap p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, longest ${at(1)} ms |`);
});

import { readFileSync } from "node:fs";
import { join } from "node:path";

import { afterEach, expect, it } from "vitest";

import type { Settings } from "../src/bindings";
import { endAll, RunningApp } from "./app";

let app: RunningApp;
afterEach(endAll);

it("the first run: from what Moshi is to the first talk, in three steps", async () => {
  app = await RunningApp.start();
  await app.says(/What to expect/);
  await app.press("Continue");
  await app.says(/Choose a quality/);
  await app.press(/Continue|Not now/);
  await app.press("Talk with nano");
  await app.find("button", "End the talk");
  const settings = JSON.parse(readFileSync(join(app.home, "config/app.moshibar/settings.json"), "utf8")) as Settings;
  expect([settings.first_run_done, settings.model, settings.record]).toEqual([true, "nano", false]);
  await app.press("End the talk");
  await app.find("button", "Talk with nano");
});

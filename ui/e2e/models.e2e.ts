import { afterEach, expect, it } from "vitest";

import { endAll, newHome, RunningApp } from "./app";

const HUB = { HF_ENDPOINT: process.env["MOSHIBAR_TEST_HUB"] ?? "", HF_HUB_OFFLINE: undefined };

let app: RunningApp;
afterEach(endAll);

it("a download from a hub that misbehaves: paused, killed with the app, gone on with, whole", async () => {
  const home = newHome();
  app = await RunningApp.start({ window: "settings", home, settings: { model: "nano" }, environment: HUB });
  await app.says(/High quality/);
  await app.ask("pull_model", { name: "hf:lab/nano-q8" });
  await app.says(/Downloading/);
  await app.press("Pause");
  await app.says(/Paused/);
  app.kill();

  app = await RunningApp.start({ window: "settings", home, environment: HUB });
  await app.says(/of .* downloaded/);
  await app.press(/Go on downloading hf:lab\/nano-q8/);
  await app.says(/hf:lab\/nano-q8[^]*Ready/, 60_000);
});

it("another model in the middle of a talk: it goes on with that one, in the same app", async () => {
  app = await RunningApp.start({ window: "settings", settings: { model: "nano" }, environment: HUB });
  for (const name of ["hf:lab/nano-q4", "hf:lab/nano-q8"]) {
    await app.ask("pull_model", { name });
    await app.says(new RegExp(`${name}[^]*Ready`), 60_000);
  }
  await app.press("Use hf:lab/nano-q4");
  await app.ask("start_talk", {});
  await app.until("a talk with q4", (state) => state.model === "hf:lab/nano-q4" && state.state === "listening");
  await app.press("Use hf:lab/nano-q8");
  await app.until("a talk with q8", (state) => state.model === "hf:lab/nano-q8" && state.state === "listening");
  expect((await app.talk()).problem).toBeNull();
  await app.ask("end_talk", {});
});

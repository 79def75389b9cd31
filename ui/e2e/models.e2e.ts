import { afterEach, expect, it } from "vitest";

import { endAll, newHome, RunningApp } from "./app";
import { until } from "./patience";

const ENDPOINT = process.env["MOSHIBAR_TEST_HUB"] ?? "";
const HUB = { HF_ENDPOINT: ENDPOINT, HF_HUB_OFFLINE: undefined };

/** The hub is as quick as it can from now on, and breaks off once. */
async function hurryHub(): Promise<void> {
  const rules = [{ on: "cdn", path_suffix: "model.q8.safetensors", times: 1, fault: { drop_after: { bytes: 700_000 } } }];
  const answer = await fetch(`${ENDPOINT}/__rules`, { method: "POST", body: JSON.stringify(rules) });
  expect(answer.status).toBe(200);
}

let app: RunningApp;
afterEach(endAll);

it("a download from a hub that misbehaves: paused, killed with the app, gone on with, whole", async () => {
  const home = newHome();
  app = await RunningApp.start({ window: "settings", home, settings: { model: "nano" }, environment: HUB });
  await app.says(/High quality/);
  await app.ask("pull_model", { name: "hf:lab/nano-q8" });
  await app.says(/Downloading/);
  await until("something is there", async () => (await app.snapshot()).models.some(({ job }) => (job?.done_bytes ?? 0) > 300_000));
  await app.press("Pause");
  await app.says(/Paused/);
  app.kill();
  await hurryHub();

  app = await RunningApp.start({ window: "settings", home, environment: HUB });
  await app.says(/of .* downloaded/);
  await app.press(/Go on downloading hf:lab\/nano-q8/);
  await app.says(/hf:lab\/nano-q8[^]*Ready/);
});

it("another model in the middle of a talk: it goes on with that one, in the same app", async () => {
  app = await RunningApp.start({ window: "settings", settings: { model: "nano" }, environment: HUB });
  for (const name of ["hf:lab/nano-q4", "hf:lab/nano-q8"]) {
    await app.ask("pull_model", { name });
    await app.says(new RegExp(`${name}[^]*Ready`));
  }
  await app.press("Use hf:lab/nano-q4");
  await app.ask("start_talk", {});
  await app.until("a talk with q4", (state) => state.model === "hf:lab/nano-q4" && state.state === "listening");
  await app.press("Use hf:lab/nano-q8");
  await app.until("a talk with q8", (state) => state.model === "hf:lab/nano-q8" && state.state === "listening");
  expect((await app.talk()).problem).toBeNull();
  await app.ask("end_talk", {});
});

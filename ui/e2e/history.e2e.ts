import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { afterEach, expect, it } from "vitest";

import { endAll, newHome, RunningApp } from "./app";
import { PATIENCE_MS, until } from "./patience";

let app: RunningApp;
afterEach(endAll);

it("a talk that was recorded is found by its words, played, exported and deleted", async () => {
  const home = newHome();
  app = await RunningApp.start({ window: "popover", home, settings: { model: "nano", record: true } });
  await app.press("Start talking");
  await app.says(/I am nano/); // it greets
  app.ask("quit", {}).catch(() => undefined); // in the middle of a talk: it is complete all the same
  const recordings = join(home, "data/app.moshibar/recordings");
  const complete = () =>
    readdirSync(recordings).some((id) => /"state": "finished"/.test(readFileSync(join(recordings, id, "talk.json"), "utf8")));
  await until("the recording is complete", complete);
  await app.end({ keepsHome: true });

  app = await RunningApp.start({ window: "history", home });
  await (await app.find("input[type=search]")).sendKeys("hello");
  await (await app.find("button", /0:0\d/)).click();
  await app.says(/Export/);
  const player = await app.find("audio");
  const seconds = async () => Number(await app.page.executeScript("return arguments[0].duration", player));
  await app.page.wait(async () => (await seconds()) > 1, PATIENCE_MS, "the sound never has a length");
  await app.page.executeScript("arguments[0].muted = true; arguments[0].play()", player);
  const place = async () => Number(await app.page.executeScript("return arguments[0].currentTime", player));
  await app.page.wait(async () => (await place()) > 0.2, PATIENCE_MS, "it does not play");

  await app.press("Markdown");
  const path = (await app.says(/\/\S[^\n]*\.md/)).match(/\/\S[^\n]*\.md/)?.[0] ?? "";
  expect(readFileSync(path, "utf8")).toMatch(/hello/i);
  await app.press("Delete");
  await (await app.find("dialog[open] button.danger")).click();
  await app.says(/No talk has these words/);
});

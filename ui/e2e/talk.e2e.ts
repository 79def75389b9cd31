import { afterEach, expect, it } from "vitest";

import { endAll, RunningApp } from "./app";
import { say } from "./sound";

let app: RunningApp;
afterEach(endAll);

it("a talk: nano greets, hears a word, answers, and goes on through a reload of the page", async () => {
  app = await RunningApp.start({ window: "popover", settings: { model: "nano" }, environment: { LANG: "C", LC_ALL: "C" } });
  await app.press("Start talking");
  await app.says(/Moshi is (listening|speaking)/);
  await app.says(/I am nano/); // it greets
  await new Promise((later) => setTimeout(later, 2_000));
  await say("seven");
  await app.says(/seven/i);

  const before = await app.talk();
  await app.page.navigate().refresh();
  await app.says(/Moshi is (listening|speaking)/);
  expect(await app.text(), "what was said before the reload").toMatch(/seven/i);
  await app.until("the talk goes on", (talk) => talk.seconds > before.seconds + 1);
  await app.press("Mute me");
  await app.says(/You are muted/);
  await app.press("End the talk");
  await app.says(/Ready/);
});

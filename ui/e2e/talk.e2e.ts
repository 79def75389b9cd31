import { afterEach, expect, it } from "vitest";

import { endAll, RunningApp } from "./app";
import { until } from "./patience";
import { say } from "./sound";

/** An answer begins within a second, and takes two at most. */
const ANSWER_SECONDS = 5;
/** Words that the machine may spoil before the test gives up. */
const MOST_SPOILED = 4;

let app: RunningApp;
afterEach(endAll);

/** Lets so much of the talk go by, by its own time. */
async function someSeconds(seconds: number): Promise<void> {
  const { seconds: begin } = await app.talk();
  await app.until(`${seconds} s of the talk`, (talk) => talk.seconds > begin + seconds);
}

/**
 * Says a word, and waits for its answer. A machine that is busy with other things may lose frames of it, and with them the answer: then
 * the talk itself counts them, and the word is said again.
 */
async function isAnswered(): Promise<void> {
  const dropped = async () => (await app.snapshot()).pace?.dropped_frames ?? 0;
  const hasAnswer = async () => /seven/i.test(await app.text());
  for (let tries = 0; tries < MOST_SPOILED; tries += 1) {
    const before = await dropped();
    await say("seven");
    const { seconds: said } = await app.talk();
    await until("an answer, or none in time", async () => (await hasAnswer()) || (await app.talk()).seconds > said + ANSWER_SECONDS);
    if (await hasAnswer()) return;
    expect(await dropped(), "no frame was lost, and no answer came").toBeGreaterThan(before);
  }
  throw new Error(`the machine spoiled a word ${MOST_SPOILED} times`);
}

it("a talk: nano greets, hears a word, answers, and goes on through a reload of the page", async () => {
  app = await RunningApp.start({ window: "popover", settings: { model: "nano" }, environment: { LANG: "C", LC_ALL: "C" } });
  await app.press("Start talking");
  await app.says(/Moshi is (listening|speaking)/);
  await app.says(/I am nano/); // it greets
  await someSeconds(2);
  await isAnswered();

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

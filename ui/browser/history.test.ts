import { describe } from "vitest";

import { detail, linux, mac, talks } from "./samples.ts";
import { refuse } from "./shell.ts";
import { asks, attribute, expect, sees, test } from "./test.ts";
import type { Opened } from "./window.ts";

const entries = ({ page }: Opened) => page.getByRole("navigation", { name: "Talks" }).getByRole("button");

async function openTalk(window: Opened, place: number): Promise<void> {
  await entries(window).nth(place).click();
  await window.page.getByRole("article").waitFor();
}

describe("the history", () => {
  test("lists talks, and asks once for what is typed", async ({ open }) => {
    const history = await open("history");
    await expect.poll(() => entries(history).count()).toBe(3);
    await sees(entries(history).first(), "25 Nov 2026, 18:04");
    await sees(entries(history).first(), "12:34");
    await sees(history.page, "Choose a talk.");
    const asked = history.shell.argumentsOf("list_talks").length;
    // Typed by the page's own clock: of two timers the one that is due first comes first, however
    // late a busy machine makes both.
    await history.page.getByLabel("Search talks").evaluate(async (field) => {
      for (const letter of "breakfast") {
        (field as HTMLInputElement).value += letter;
        field.dispatchEvent(new InputEvent("input", { bubbles: true, data: letter }));
        await new Promise((next) => setTimeout(next, 0));
      }
    });
    await expect.poll(() => entries(history).count()).toBe(1);
    expect(history.shell.argumentsOf("list_talks").slice(asked), "not for every letter").toEqual([{ query: "breakfast" }]);
    await history.page.getByLabel("Search talks").fill("zebra");
    await sees(history.page.getByRole("status"), "No talk has these words.");
  });

  test("is empty until somebody records, and says where", async ({ open }) => {
    const history = await open("history", { arrange: (shell) => (shell.answers.list_talks = () => []) });
    await sees(history.page, "No recorded talks yet");
    await history.press("Open the settings");
    await asks(history, "open_window", { window: "settings", tab: "recording" });
    history.shell.answers.list_talks = () => talks;
    await history.tell({ kind: "history" });
    await expect.poll(() => entries(history).count()).toBe(3);
  });

  test("tells that it could not be read", async ({ open }) => {
    const history = await open("history", { arrange: (shell) => (shell.answers.open_talk = refuse("no_such_talk", "There is no such talk.")) });
    await entries(history).first().click();
    await sees(history.page.getByRole("alert"), "There is no such talk.");
  });
});

describe("a recorded talk", () => {
  test("shows its words, and plays from the one that is pressed", async ({ open }) => {
    const history = await open("history", { snapshot: { about: linux } });
    const { page } = history;
    await openTalk(history, 0);
    await attribute(entries(history).first(), "aria-current", "true");
    await sees(page, "12:34 · moshiko-q4 · words: 911");
    const audio = page.getByLabel("Sound of the talk");
    await expect.poll(() => audio.evaluate((element) => (element as HTMLAudioElement).readyState)).toBeGreaterThan(0);
    const word = page.getByRole("button", { name: "mountains., at 0:07" });
    await word.click();
    await attribute(word, "aria-current", "true");
    // It goes on by itself, and shows which word is said.
    await attribute(page.getByRole("button", { name: "The, at 0:08" }), "aria-current", "true");
    await audio.evaluate((element) => (element as HTMLAudioElement).pause());
    expect(await audio.evaluate((element) => (element as HTMLAudioElement).currentTime)).toBeGreaterThan(8);
  });

  test("is played straight from where it lies, where the system can do that", async ({ open }) => {
    const history = await open("history", { snapshot: { about: mac } });
    await openTalk(history, 0);
    await attribute(history.page.getByLabel("Sound of the talk"), "src", "talk://localhost/2026-11-25%2018.04.31");
  });

  test("has one word that Tab reaches, and arrows for the others", async ({ open }) => {
    const history = await open("history");
    const { page } = history;
    await openTalk(history, 0);
    const words = page.getByRole("region", { name: "Words of the talk" }).getByRole("button");
    expect(await words.evaluateAll((all) => all.filter((word) => word.tabIndex === 0).length)).toBe(1);
    await words.first().focus();
    for (const [key, place] of [["ArrowRight", 1], ["ArrowDown", 2], ["ArrowLeft", 1], ["End", -1], ["ArrowRight", -1], ["Home", 0], ["ArrowUp", 0]] as const) {
      await page.keyboard.press(key);
      expect(await words.nth(place).evaluate((word) => word === document.activeElement), key).toBe(true);
    }
  });

  test("says that it has no sound", async ({ open }) => {
    const history = await open("history");
    await openTalk(history, 2);
    await sees(history.page, "There is no sound for this talk.");
    expect(await history.page.getByRole("region", { name: "Words of the talk" }).getByRole("button").count()).toBe(0);
  });

  test("is exported in each form, and says where to", async ({ open }) => {
    const history = await open("history");
    await openTalk(history, 1);
    const id = talks[1]?.id;
    for (const [name, format, extension] of [["Markdown", "markdown", "md"], ["SRT", "srt", "srt"], ["JSON", "json", "json"]] as const) {
      await history.press(name);
      await asks(history, "export_talk", { id, format });
      await sees(history.page.getByRole("status"), `Saved: /Users/ada/Downloads/${id}.${extension}`);
    }
    history.shell.answers.export_talk = refuse("disk", "The disk is full.");
    await history.press("SRT");
    await sees(history.page.getByRole("alert"), "The disk is full.");
    expect(await history.page.getByText("Saved:").count()).toBe(0);
  });

  test("is deleted only after a question, and leaves the list", async ({ open }) => {
    const left = [...talks];
    const history = await open("history", {
      arrange: (shell) => {
        shell.answers.list_talks = () => left;
        shell.answers.open_talk = ({ id }) => detail(left.find((talk) => talk.id === id) ?? refuse("no_such_talk")());
        shell.answers.delete_talk = ({ id }) => {
          left.splice(left.findIndex((talk) => talk.id === id), 1);
          return null;
        };
      },
    });
    const question = history.page.getByRole("alertdialog", { name: "Delete this talk?" });
    await openTalk(history, 1);
    await history.press("Delete");
    await question.getByRole("button", { name: "Cancel" }).click();
    await question.waitFor({ state: "hidden" });
    expect(left).toHaveLength(3);
    await history.press("Delete");
    await question.getByRole("button", { name: "Delete" }).click();
    await expect.poll(() => entries(history).count()).toBe(2);
    await sees(history.page, "Choose a talk.");
    expect(await history.page.evaluate(() => document.activeElement?.id), "where the keyboard goes on").toBe("search");
  });
});

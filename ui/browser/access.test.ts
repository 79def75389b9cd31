/** Every pane for everybody: by rule (axe), large, in the dark, with less motion, in every language, and by keyboard alone. */
import { AxeBuilder } from "@axe-core/playwright";
import type { Page } from "playwright-core";

import { play, SCENES } from "./scenes.ts";
import { expect, test } from "./test.ts";
import type { Opened } from "./window.ts";

const LANGUAGES = ["en", "fr", "ja"] as const;

/** What axe finds, a line each. */
async function violations(page: Page, ...rules: string[]): Promise<string[]> {
  const axe = new AxeBuilder({ page }).setLegacyMode();
  const { violations: found } = await (rules.length > 0 ? axe.withRules(rules) : axe).analyze();
  return found.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html} (${node.any.map(({ message }) => message).join("; ")})`));
}

/** What sticks out of the window, or is cut off by what it stands in. */
async function cutOff(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const room = document.documentElement.clientWidth;
    const found: string[] = [];
    if ((document.scrollingElement?.scrollWidth ?? 0) > room) found.push("the page scrolls sideways");
    for (const element of document.querySelectorAll<HTMLElement>("main *")) {
      if (element.closest(".unseen, svg, canvas, .u-wrap") !== null || !element.checkVisibility()) continue;
      const { left, right, width } = element.getBoundingClientRect();
      const name = `${element.tagName.toLowerCase()}.${element.className}: ${(element.textContent ?? "").trim().slice(0, 40)}`;
      if (width > 0 && (left < -0.5 || right > room + 0.5)) found.push(`sticks out: ${name}`);
      const { display, overflowX, overflowY, webkitLineClamp } = getComputedStyle(element);
      // What is inline has no size of its own, and what ends after some lines does so on purpose.
      if (display === "inline" || webkitLineClamp !== "none") continue;
      const hasText = [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.textContent?.trim() !== "");
      const cuts = (overflow: string) => hasText || ["hidden", "clip"].includes(overflow);
      if (cuts(overflowX) && element.scrollWidth > element.clientWidth + 1) found.push(`is wider than its place: ${name}`);
      if (cuts(overflowY) && element.scrollHeight > element.clientHeight + 1) found.push(`is higher than its place: ${name}`);
    }
    return found;
  });
}

/** The choices whose words are longer than their field. With half the room that cannot be helped: the list that opens has them whole. */
async function cutOffChoices(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const ARROW = 20;
    const pen = document.createElement("canvas").getContext("2d");
    return [...document.querySelectorAll("select")].flatMap((field) => {
      const { font, paddingLeft, paddingRight } = getComputedStyle(field);
      if (pen !== null) pen.font = font;
      const room = field.clientWidth - parseFloat(paddingLeft) - parseFloat(paddingRight) - ARROW;
      return [...field.options].filter(({ text }) => (pen?.measureText(text).width ?? 0) > room).map(({ text }) => `is longer than its field: ${text}`);
    });
  });
}

/** The same in every language; what the page does about a new size, it does with the next frames. */
async function inAnyLanguage({ page, shell, tell }: Opened, ...looks: ((page: Page) => Promise<string[]>)[]): Promise<string[]> {
  const { settings } = shell.snapshot;
  const found: string[] = [];
  for (const language of LANGUAGES) {
    await tell({ kind: "settings", settings: { ...settings, language } });
    await page.evaluate(async (frames) => {
      for (let frame = 0; frame < frames; frame += 1) await new Promise(requestAnimationFrame);
    }, 2);
    for (const look of looks) found.push(...(await look(page)).map((fault) => `${language}: ${fault}`));
  }
  await tell({ kind: "settings", settings });
  return found;
}

/** The controls that nobody can reach by Tab, and those that do not show that they are reached. */
async function keyboard(page: Page): Promise<{ outOfReach: string[]; unseen: string[] }> {
  const wanted = await page.evaluate(() => {
    const dialog = document.querySelector("dialog[open]");
    if (dialog === null) (document.activeElement as HTMLElement | null)?.blur();
    const controls = [...(dialog ?? document).querySelectorAll<HTMLElement>("button, input, select, summary, audio, [tabindex='0']")];
    // Of a group that arrows go through, Tab reaches one.
    const isOfGroup = (control: HTMLElement) => control.matches("input[type=radio]:not(:checked)")
      || (control.tabIndex < 0 && control.closest("[role=tablist]:has([tabindex='0']), section:has([data-word][tabindex='0'])") !== null);
    const reachable = controls.filter((control) => control.checkVisibility() && !control.matches(":disabled") && !isOfGroup(control));
    reachable.forEach((control, number) => (control.dataset["wanted"] = String(number)));
    return reachable.length;
  });
  const reached = new Set<string>();
  const unseen: string[] = [];
  for (let presses = 0; presses < wanted * 2 + 20 && reached.size < wanted; presses += 1) {
    await page.keyboard.press("Tab");
    const at = await page.evaluate(() => {
      const element = document.activeElement as HTMLElement | null;
      // A radio button is not to be seen itself: its label shows it.
      const shown = element?.matches("input[type=radio]") === true ? element.closest("label") : element;
      if (element === null || shown == null) return null;
      const { outlineStyle, outlineWidth } = getComputedStyle(shown);
      const { width, height } = shown.getBoundingClientRect();
      return {
        wanted: element.dataset["wanted"],
        isSeen: outlineStyle !== "none" && parseFloat(outlineWidth) > 0 && width > 4 && height > 4,
        name: shown.outerHTML,
      };
    });
    if (at?.wanted === undefined) continue;
    reached.add(at.wanted);
    if (!at.isSeen) unseen.push(at.name);
  }
  const outOfReach = await page.evaluate((ones) => [...document.querySelectorAll<HTMLElement>("[data-wanted]")]
    .filter((control) => !ones.includes(control.dataset["wanted"] ?? "")).map((control) => control.outerHTML), [...reached]);
  return { outOfReach, unseen };
}

/** As at 200 %: half the room. */
async function enlarge({ page, shell }: Opened): Promise<void> {
  shell.answers.fit_popover = () => null;
  const { width, height } = page.viewportSize() ?? { width: 0, height: 0 };
  await page.setViewportSize({ width: width / 2, height: Math.round(height / 2) });
}

// All in one page: to open one takes longer than to look at it.
test.for(SCENES)("$name breaks no rule in light or dark, is all within reach of Tab, and has everything in every language and at twice the size", async (scene, { open }) => {
  const window = await play(open, scene);
  const { page } = window;
  expect.soft(await violations(page), "light").toEqual([]);
  expect.soft(await keyboard(page), "by keyboard").toEqual({ outOfReach: [], unseen: [] });
  await page.emulateMedia({ colorScheme: "dark", reducedMotion: "reduce" });
  // The dark changes nothing but colours.
  expect.soft(await violations(page, "color-contrast"), "dark").toEqual([]);
  expect.soft(await page.evaluate(() => document.getAnimations().length), "what moves with less motion").toBe(0);
  expect.soft(await inAnyLanguage(window, cutOff, cutOffChoices), "as it is").toEqual([]);
  await enlarge(window);
  expect.soft(await inAnyLanguage(window, cutOff), "at twice the size").toEqual([]);
});

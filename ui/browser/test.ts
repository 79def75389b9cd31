/** `test` with a browser: opens windows of the app, and sees to it that none of them did what it must not. */
import { chromium, type Locator, type Page } from "playwright-core";
import { expect, inject, test as plain } from "vitest";

import type { Window } from "../src/commands";
import { Tab, type Opened, type Opening } from "./window.ts";

export { expect };

export const test = plain
  .extend("browser", { scope: "worker" }, async ({}, { onCleanup }) => {
    const browser = await chromium.connect(inject("browser"));
    onCleanup(() => browser.close());
    return browser;
  })
  .extend("idleTabs", { scope: "worker" }, (): Tab[] => [])
  .extend("open", async ({ browser, idleTabs }, { onCleanup }) => {
    const tabs: Tab[] = [];
    onCleanup(async () => {
      const faults = await Promise.all(tabs.map((tab) => tab.leave()));
      idleTabs.push(...tabs);
      expect(faults.flat(), "faults").toEqual([]);
    });
    return async (window: Window, opening?: Opening): Promise<Opened> => {
      const tab = idleTabs.pop() ?? (await Tab.of(browser));
      tabs.push(tab);
      return tab.open(inject("url"), window, opening);
    };
  });

export type Open = (window: Window, opening?: Opening) => Promise<Opened>;

/** Waits until the page has asked Rust for something, this time being the last. */
export async function asks({ shell }: Opened, name: Parameters<Opened["shell"]["argumentsOf"]>[0], args: object): Promise<void> {
  await expect.poll(() => shell.argumentsOf(name).at(-1), { message: `asks for ${name}` }).toEqual(args);
}

/** Waits until settings are saved that differ in this from those that were. */
export async function saves({ shell }: Opened, change: object): Promise<void> {
  await expect.poll(() => shell.argumentsOf("save_settings").at(-1), { message: "saves" }).toEqual({ settings: expect.objectContaining(change) });
}

export async function sees(place: Page | Locator, text: string | RegExp): Promise<void> {
  await place.getByText(text).first().waitFor();
}

/** What an attribute comes to. */
export async function attribute(element: Locator, name: string, value: string | null): Promise<void> {
  await expect.poll(() => element.getAttribute(name), { message: name }).toBe(value);
}

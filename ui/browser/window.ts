/** A window of the app in a browser's tab, with Rust's stand-in behind it. */
import type { Browser, Page } from "playwright-core";

import type { Settings, Snapshot } from "../src/bindings";
import type { Window } from "../src/commands";
import { settings } from "./samples.ts";
import { Shell } from "./shell.ts";

/** As src-tauri/src/windows.rs has them. */
const SIZES: Record<Window, { width: number; height: number }> = {
  popover: { width: 360, height: 520 }, settings: { width: 760, height: 640 }, history: { width: 860, height: 620 }, welcome: { width: 640, height: 560 },
};
/** A machine may be busy with other things: only what never comes is a failure. */
export const PATIENCE_MS = 60_000;
const POPOVER_HEIGHTS = { least: 200, most: 900 };

export interface Opening {
  snapshot?: Partial<Snapshot>;
  settings?: Partial<Settings>;
  /** Rust says nothing for now. */
  isSilent?: boolean;
  arrange?: (shell: Shell) => void;
  colorScheme?: "light" | "dark";
  reducedMotion?: boolean;
}

export interface Opened {
  page: Page;
  shell: Shell;
  tell: Shell["tell"];
  press: (name: string | RegExp) => Promise<void>;
}

/** Sounds have addresses that only the app's own webview knows. */
const isOfAppOnly = (complaint: string) => complaint.includes("ERR_UNKNOWN_URL_SCHEME");

/**
 * A tab of the browser, which shows one window after the other: to open a new tab takes longer than most tests.
 *
 * What one leaves behind is gone before the next comes: its page, what it has stored, where the pointer was.
 */
export class Tab {
  readonly page: Page;
  #shell: Shell | null = null;

  private constructor(page: Page) {
    this.page = page;
  }

  /** Scale: pixels for each of CSS's. */
  static async of(browser: Browser, { scale = 1 } = {}): Promise<Tab> {
    const context = await browser.newContext({ deviceScaleFactor: scale, locale: "en-GB", timezoneId: "Europe/Paris" });
    context.setDefaultTimeout(PATIENCE_MS);
    const tab = new Tab(await context.newPage());
    await tab.#watch();
    return tab;
  }

  async open(url: string, window: Window, opening: Opening = {}): Promise<Opened> {
    const { page } = this;
    const { colorScheme = "light", reducedMotion = false, isSilent } = opening;
    const { width, height } = SIZES[window];
    await page.setViewportSize({ width, height });
    await page.emulateMedia({ colorScheme, reducedMotion: reducedMotion ? "reduce" : "no-preference" });
    const change = { ...opening.snapshot, settings: opening.snapshot?.settings ?? settings(opening.settings) };
    const shell = new Shell(page, window, { change, isSilent });
    // Rust makes the popover as high as it asks to be.
    shell.answers.fit_popover = async ({ height: wanted }) => {
      const fitting = Math.min(POPOVER_HEIGHTS.most, Math.max(POPOVER_HEIGHTS.least, wanted));
      await page.setViewportSize({ width, height: fitting });
      return null;
    };
    opening.arrange?.(shell);
    this.#shell = shell;
    await page.goto(`${url}/${window}.html`);
    await page.locator("main").waitFor();
    return {
      page,
      shell,
      tell: (...events) => shell.tell(...events),
      press: (name) => page.getByRole("button", { name, exact: typeof name === "string" }).click(),
    };
  }

  /** Ends the visit, and tells what the page did that it must not. */
  async leave(): Promise<string[]> {
    await this.page.evaluate(() => localStorage.clear());
    await this.page.mouse.move(0, 0);
    await this.page.goto("about:blank");
    return this.#shell?.faults ?? [];
  }

  async #watch(): Promise<void> {
    const { page } = this;
    const current = (): Shell => {
      if (this.#shell === null) throw new Error("no window is open");
      return this.#shell;
    };
    await Shell.standBehind(page, current);
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type()) && !isOfAppOnly(message.text())) current().faults.push(`console: ${message.text()}`);
    });
    page.on("pageerror", (error) => current().faults.push(`page: ${error.message}`));
    page.on("requestfailed", (request) => {
      // A page that goes away drops what it was loading.
      const why = request.failure()?.errorText ?? "";
      if (why !== "net::ERR_ABORTED" && !isOfAppOnly(why)) current().faults.push(`request: ${request.url()}`);
    });
  }
}

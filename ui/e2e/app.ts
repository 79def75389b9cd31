/**
 * The real app in its real webview, driven by WebKit's own driver on a screen that nobody sees (Linux).
 *
 * Needs MOSHIBAR_APP (the program), DISPLAY, a session bus and virtual sound devices: `cargo test --package moshibar-app --test app` brings
 * all of them.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync, mkdirSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { Builder, By, Capabilities, until as whether, type WebDriver, type WebElement } from "selenium-webdriver";

import type { Settings, Snapshot, TalkView } from "../src/bindings";
import { PATIENCE_MS, soon, until } from "./patience";

const PROGRAM = process.env["MOSHIBAR_APP"] ?? "";
const running = new Set<RunningApp>();
const drivers = new Set<ChildProcess>();

export interface Start {
  window?: "popover" | "settings" | "history";
  settings?: Partial<Settings>;
  /** Variables besides; `undefined` takes one away. */
  environment?: Record<string, string | undefined>;
  /** A home that another run of the app left. */
  home?: string;
}

export class RunningApp {
  private constructor(
    readonly page: WebDriver,
    readonly home: string,
    private readonly driver: ChildProcess,
  ) {}

  static async start({ window, settings, environment, home = newHome() }: Start = {}): Promise<RunningApp> {
    if (settings !== undefined) writeSettings(home, settings);
    const port = await freePort();
    // On a bus of its own: there the app's name is free at once, however long the bus takes to
    // notice that the app before this one was killed. On a shared bus the new app would take itself
    // for a second start, and end.
    const driver = spawn("dbus-run-session", ["--", "WebKitWebDriver", `--port=${port}`, "--host=127.0.0.1"], {
      stdio: ["ignore", "inherit", "inherit"],
      detached: true, // a group of its own, with the app and WebKit's processes: they end together
      env: {
        ...process.env,
        HOME: home,
        XDG_CONFIG_HOME: join(home, "config"),
        XDG_DATA_HOME: join(home, "data"),
        XDG_CACHE_HOME: join(home, "cache"),
        HF_HUB_OFFLINE: "1",
        TAURI_AUTOMATION: "true",
        TAURI_WEBVIEW_AUTOMATION: "true",
        ...environment,
      },
    });
    drivers.add(driver);
    await answers(port, driver);
    const wanted = new Capabilities().setBrowserName("wry");
    wanted.set("webkitgtk:browserOptions", { binary: PROGRAM, args: window === undefined ? [] : ["--show", window] });
    const session = new Builder().withCapabilities(wanted).usingServer(`http://127.0.0.1:${port}/`).build();
    const page = await soon("a session with the app; it may have ended while it started", session);
    await page.manage().setTimeouts({ script: PATIENCE_MS });
    const app = new RunningApp(page, home, driver);
    running.add(app);
    return app;
  }

  /** The element with this accessible role and name. */
  async find(css: string, text?: string | RegExp): Promise<WebElement> {
    return await this.page.wait(async () => {
      for (const element of await this.page.findElements(By.css(css))) {
        // The page may have drawn itself anew since it was asked: then the next look finds it.
        const words = await Promise.all([element.getAttribute("aria-label"), element.getText()]).then(([name, text]) => `${name ?? ""} ${text}`, () => null);
        if (words === null) continue;
        if (text === undefined || (typeof text === "string" ? words.includes(text) : text.test(words))) return element;
      }
      return null;
    }, PATIENCE_MS).catch(async () => {
      throw new Error(`nothing like ${css} with ${String(text)} in: ${await this.text()}`);
    }) as WebElement;
  }

  async press(text: string | RegExp): Promise<void> {
    const clicked = async () => (await this.find("button", text)).click().then(() => true, (reason: Error) => {
      if (reason.name === "StaleElementReferenceError") return false;
      throw reason;
    });
    await this.page.wait(clicked, PATIENCE_MS, `${String(text)} never holds still`);
  }

  /** Waits until the page says something. */
  async says(text: RegExp): Promise<string> {
    const body = await this.page.findElement(By.css("body"));
    await this.page.wait(whether.elementTextMatches(body, text), PATIENCE_MS).catch(async () => {
      throw new Error(`the page never says ${String(text)}, but: ${await body.getText()}`);
    });
    return body.getText();
  }

  async text(): Promise<string> {
    return this.page.findElement(By.css("body")).getText();
  }

  /** Asks Rust for something, as a page does. */
  async ask(command: string, args: object): Promise<unknown> {
    const script = `const [command, args, done] = arguments;
      window.__TAURI_INTERNALS__.invoke(command, args).then((answer) => done({ answer }), (refusal) => done({ refusal }));`;
    const said = await this.page.executeAsyncScript<{ answer?: unknown; refusal?: unknown }>(script, command, args);
    if (said.refusal !== undefined) throw new Error(`${command}: ${JSON.stringify(said.refusal)}`);
    return said.answer;
  }

  async snapshot(): Promise<Snapshot> {
    return (await this.ask("snapshot", {})) as Snapshot;
  }

  /** Where the talk stands. */
  async talk(): Promise<TalkView> {
    return (await this.snapshot()).talk;
  }

  async until(what: string, is: (talk: TalkView) => boolean): Promise<void> {
    await this.page.wait(async () => is(await this.talk()), PATIENCE_MS, `never: ${what}`, 250);
  }

  /** The app is gone from one moment to the next, as in a crash. */
  kill(): void {
    running.delete(this);
    kill(this.driver);
  }

  async end({ keepsHome = false } = {}): Promise<void> {
    running.delete(this);
    await Promise.race([this.page.quit().catch(() => undefined), new Promise((later) => setTimeout(later, 3_000))]);
    kill(this.driver);
    if (!keepsHome) rmSync(this.home, { recursive: true, force: true });
  }
}

/** Ends what a test left, whether it passed or not: a runner waits for every process that it began. */
export async function endAll(): Promise<void> {
  for (const app of running) await app.end();
  for (const driver of drivers) kill(driver);
  drivers.clear();
}

function kill(driver: ChildProcess): void {
  try {
    process.kill(-(driver.pid ?? 0), "SIGKILL");
  } catch {
    // It is gone already.
  }
}

export function newHome(): string {
  return mkdtempSync(join(tmpdir(), "moshibar-app-"));
}

/** Settings as somebody has them who was here before. */
function writeSettings(home: string, settings: Partial<Settings>): void {
  const folder = join(home, "config", "app.moshibar");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "settings.json"), JSON.stringify({ version: 1, first_run_done: true, ...settings }));
}

/** A port that nobody has, as the system says: tests of other processes ask it too. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((listens) => server.listen(0, "127.0.0.1", listens));
  const { port } = server.address() as AddressInfo;
  await new Promise((closes) => server.close(closes));
  return port;
}

/** Waits for a driver. The first one of a machine may have all of WebKit to read from a busy disk. */
async function answers(port: number, driver: ChildProcess): Promise<void> {
  const speaks = async () => (await fetch(`http://127.0.0.1:${port}/status`).catch(() => null))?.ok ?? false;
  const isThere = async () => driver.exitCode !== null || (await speaks());
  if (await until("a driver", isThere, 2 * PATIENCE_MS).then(() => driver.exitCode === null, () => false)) return;
  throw new Error(driver.exitCode === null ? "WebKit's driver does not answer" : `WebKit's driver ended with ${driver.exitCode}`);
}

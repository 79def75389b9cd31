/**
 * Stands in for Rust behind one page: notes what is asked, answers or refuses it, and tells what happens.
 *
 * Under the real `@tauri-apps/api`: what is replaced is `window.__TAURI_INTERNALS__`, which the app's own webview brings. What a window
 * may not ask for by its capabilities is refused here too, and is a fault of the test.
 */
import { readFileSync } from "node:fs";

import type { Page } from "playwright-core";

import type { CommandError, Snapshot, UiEvent } from "../src/bindings";
import type { Commands, Window } from "../src/commands";
import { detail, silence, snapshot, talks } from "./samples.ts";

type Name = keyof Commands;
type Answers = { [Key in Name]?: (args: Commands[Key][0]) => Commands[Key][1] | Promise<Commands[Key][1]> };

interface Internals {
  invoke: (name: string, args?: object) => Promise<unknown>;
  runCallback: (id: number, message: unknown) => void;
}
declare global {
  interface Window {
    __TAURI_INTERNALS__: Internals;
    askShell: (name: string, args: string) => Promise<{ answer: unknown } | { refusal: unknown }>;
    /** A sound, in base64. */
    askSound: () => Promise<string>;
  }
}

export class Refusal extends Error {
  readonly refusal: CommandError;

  constructor(code: string, message = "as Rust refuses it", hint: string | null = null) {
    super(message);
    this.refusal = { code, message, hint };
  }
}

/** A command that Rust refuses. */
export const refuse = (code: string, message?: string) => (): never => {
  throw new Refusal(code, message);
};

function permissionsOf(window: Window): string[] {
  const file = new URL(`../../src-tauri/capabilities/${window}.json`, import.meta.url);
  return (JSON.parse(readFileSync(file, "utf8")) as { permissions: string[] }).permissions;
}

export class Shell {
  readonly asked: { name: string; args: unknown }[] = [];
  /** What no page may do. */
  readonly faults: string[] = [];
  snapshot: Snapshot;
  readonly answers: Answers = {
    save_settings: ({ settings }) => settings,
    remove_model: () => 5_200_000_000,
    choose_folder: () => null,
    list_talks: ({ query }) => talks.filter((talk) => talk.first_words.toLowerCase().includes(query.trim().toLowerCase())),
    open_talk: ({ id }) => detail(talks.find((talk) => talk.id === id) ?? refuse("no_such_talk")()),
    export_talk: ({ id, format }) => `/Users/ada/Downloads/${id}.${format === "markdown" ? "md" : format}`,
    write_diagnostics: () => "/Users/ada/Downloads/moshibar-diagnostics.zip",
    ask_permission: () => "granted",
  };
  readonly #page: Page;
  readonly #permissions: string[];
  #channel: { id: number; index: number } | null = null;
  #isSilent: boolean;

  constructor(page: Page, window: Window, { change = {}, isSilent = false }: { change?: Partial<Snapshot>; isSilent?: boolean } = {}) {
    this.#page = page;
    this.#permissions = permissionsOf(window);
    this.#isSilent = isSilent;
    this.snapshot = snapshot(change);
  }

  /** Lets whatever a tab shows from now on ask the shell that is behind it at that moment. */
  static async standBehind(page: Page, current: () => Shell): Promise<void> {
    await page.exposeBinding("askShell", (_source, name: string, args: string) => current().#take(name, JSON.parse(args)));
    await page.exposeBinding("askSound", () => silence(20).toString("base64"));
    await page.addInitScript(pretendToBeTauri);
  }

  /** What was asked for by a name, in order. */
  argumentsOf(name: Name | "plugin:window|close"): unknown[] {
    return this.asked.filter((asked) => asked.name === name).map(({ args }) => args);
  }

  /** Tells the page what happens. */
  async tell(...events: UiEvent[]): Promise<void> {
    const channel = this.#channel;
    if (channel === null) throw new Error("nobody has subscribed");
    const messages = events.map((message) => ({ index: channel.index++, message }));
    await this.#page.evaluate(
      ([id, all]) => {
        for (const message of all) window.__TAURI_INTERNALS__.runCallback(id, message);
      },
      [channel.id, messages] as const,
    );
  }

  async #take(name: string, args: Record<string, unknown>): Promise<{ answer: unknown } | { refusal: unknown }> {
    this.asked.push({ name, args });
    const permission = name === "plugin:window|close" ? "core:window:allow-close" : `allow-${name.replaceAll("_", "-")}`;
    if (!this.#permissions.includes(permission)) {
      this.faults.push(`${name} is asked for, and not among the window's capabilities`);
      return { refusal: `${name} not allowed` };
    }
    try {
      if (name === "subscribe") await this.#subscribe(String(args["channel"]));
      const answer = (this.answers as Record<string, ((args: unknown) => unknown) | undefined>)[name];
      return { answer: (await answer?.(args)) ?? null };
    } catch (reason) {
      if (reason instanceof Refusal) return { refusal: reason.refusal };
      this.faults.push(String(reason));
      return { refusal: String(reason) };
    }
  }

  async #subscribe(channel: string): Promise<void> {
    if (this.answers.subscribe !== undefined) return;
    this.#channel = { id: Number(channel.replace("__CHANNEL__:", "")), index: 0 };
    if (!this.#isSilent) await this.tell({ kind: "snapshot", snapshot: this.snapshot });
  }
}

/** Runs in the page, before its own scripts. */
function pretendToBeTauri(): void {
  Object.freeze(Object.prototype); // as tauri.conf.json asks for
  const label = /(\w+)\.html$/.exec(location.pathname)?.[1];
  const callbacks = new Map<number, (message: unknown) => void>();
  let last = 0;
  const internals = {
    metadata: { currentWindow: { label }, currentWebview: { label, windowLabel: label } },
    transformCallback(callback: (message: unknown) => void, once = false) {
      const id = (last += 1);
      callbacks.set(id, (message) => {
        if (once) callbacks.delete(id);
        callback(message);
      });
      return id;
    },
    unregisterCallback: (id: number) => callbacks.delete(id),
    runCallback: (id: number, message: unknown) => callbacks.get(id)?.(message),
    async invoke(name: string, args: object = {}) {
      const told = await window.askShell(name, JSON.stringify(args));
      if ("refusal" in told) throw told.refusal;
      return told.answer;
    },
  };
  window.__TAURI_INTERNALS__ = internals;
  const { fetch } = window;
  window.fetch = async (what, options) => {
    if (!String(what).startsWith("talk:")) return fetch(what, options);
    return new Response(Uint8Array.from(atob(await window.askSound()), (letter) => letter.charCodeAt(0)), { headers: { "content-type": "audio/wav" } });
  };
}

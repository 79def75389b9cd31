import { describe } from "vitest";

import type { ProblemAction, TalkView } from "../src/bindings";
import { catalog, type Key } from "../src/strings/catalog";
import { frame, frames, here, job, model, nano, pace, problem, said, talk, words } from "./samples.ts";
import { refuse } from "./shell.ts";
import { asks, attribute, expect, sees, test } from "./test.ts";
import type { Opened } from "./window.ts";

const talkButton = ({ page }: Opened) => page.locator("button.talk");

/** Everything is to be seen without scrolling, in the height that the window asked for. */
async function fits({ page, shell }: Opened): Promise<void> {
  const heights = async () => {
    const [asked] = shell.argumentsOf("fit_popover").slice(-1) as [{ height: number }];
    const content = await page.evaluate(() => ({
      height: document.scrollingElement?.scrollHeight ?? 0,
      main: Math.ceil(document.querySelector("main")?.getBoundingClientRect().height ?? 0),
      width: document.scrollingElement?.scrollWidth ?? 0,
    }));
    return { asked: asked.height, ...content };
  };
  await expect.poll(async () => (await heights()).asked === (await heights()).main, { message: "it asks for its height" }).toBe(true);
  const { asked, height, width } = await heights();
  expect(height).toBeLessThanOrEqual(Math.max(200, asked));
  expect(asked).toBeLessThanOrEqual(900);
  expect(width).toBeLessThanOrEqual(360);
}

describe("the popover, whatever state the talk is in", () => {
  const STATES: { name: string; talk: TalkView; speaks?: boolean; says: string; button: string; asks: "start_talk" | "end_talk" | null; hasSwitches: boolean }[] = [
    { name: "idle", talk: talk("idle"), says: "Ready", button: "Start talking", asks: "start_talk", hasSwitches: false },
    {
      name: "loading, so far", talk: talk("loading", { loading: { done_bytes: 2.236e9, total_bytes: 5.2e9 } }),
      says: "Loading the model: 2.2 GB of 5.2 GB", button: "Stop loading", asks: "end_talk", hasSwitches: false,
    },
    { name: "loading, of unknown size", talk: talk("loading"), says: "Getting ready…", button: "Stop loading", asks: "end_talk", hasSwitches: false },
    { name: "listening", talk: talk("listening"), says: "Moshi is listening", button: "End the talk", asks: "end_talk", hasSwitches: true },
    { name: "speaking", talk: talk("listening"), speaks: true, says: "Moshi is speaking", button: "End the talk", asks: "end_talk", hasSwitches: true },
    { name: "muted", talk: talk("muted"), says: "You are muted", button: "End the talk", asks: "end_talk", hasSwitches: true },
    { name: "paused", talk: talk("paused"), says: "Paused", button: "End the talk", asks: "end_talk", hasSwitches: true },
    { name: "stopping", talk: talk("stopping"), says: "Ending…", button: "Ending…", asks: null, hasSwitches: false },
    { name: "failed", talk: talk("failed"), says: "The talk has ended", button: "Try again", asks: "start_talk", hasSwitches: false },
  ];

  test.for(STATES)("says that it is $name, and its button does what it says", async (state, { open }) => {
    const popover = await open("popover", { snapshot: { talk: state.talk } });
    if (state.speaks === true) await popover.tell(frame(0));
    await sees(popover.page, state.says);
    // What can do nothing now keeps the focus, and refuses quietly.
    await popover.page.getByRole("button", { name: state.button }).click({ force: state.asks === null });
    if (state.asks !== null) await asks(popover, state.asks, {});
    else expect(popover.shell.asked.map(({ name }) => name).filter((name) => name.endsWith("_talk"))).toEqual([]);
    expect(await popover.page.getByRole("button", { name: "Mute me" }).count()).toBe(state.hasSwitches ? 1 : 0);
    await fits(popover);
  });

  test("waits for the first news", async ({ open }) => {
    const popover = await open("popover", { isSilent: true });
    await sees(popover.page.getByRole("status"), "One moment…");
    await popover.tell({ kind: "snapshot", snapshot: popover.shell.snapshot });
    await sees(popover.page, "Ready");
  });

  test("says so if there will be no news", async ({ open }) => {
    const popover = await open("popover", { arrange: (shell) => (shell.answers.subscribe = refuse("no_window", "The window is not known.")) });
    await sees(popover.page.getByRole("alert"), "The window is not known.");
  });

  test("tells how far the model is loaded", async ({ open }) => {
    const popover = await open("popover", { snapshot: { talk: talk("loading") } });
    const bar = popover.page.getByRole("progressbar");
    await attribute(bar, "aria-valuenow", null);
    await popover.tell({ kind: "talk", talk: talk("loading", { loading: { done_bytes: 43, total_bytes: 100 } }) });
    await attribute(bar, "aria-valuenow", "43");
    const button = await talkButton(popover).boundingBox();
    expect(button?.width, "the button stays round").toBe(button?.height);
  });

  test("shows a loaded page anew what it showed before", async ({ open }) => {
    const popover = await open("popover", { snapshot: { talk: talk("listening"), captions: said } });
    await sees(popover.page, "lake.");
    await popover.page.reload();
    await sees(popover.page, "Moshi is listening");
    await popover.tell(frame(0));
    await sees(popover.page, "Moshi is speaking");
  });
});

test.for(["en", "fr", "ja"] as const)("the popover has room for all of it in %s", async (language, { open }) => {
  const fullest = { talk: talk("muted", { push_to_talk: true, hushed: true, problem: problem("talk_too_slow", "switch_to_q4") }), captions: said };
  const popover = await open("popover", { settings: { language }, snapshot: { ...fullest, models: [nano, model("moshiko", "q8", { is_chosen: true, job: job() })] } });
  await popover.tell(...frames(10), { kind: "pace", pace }, { kind: "notice", code: "model_ready", message: "moshiko-q4 is here" });
  await fits(popover);
});

describe("a talk's switches", () => {
  const SWITCHES = [
    { name: "Mute me", command: "set_muted", field: "muted" },
    { name: "Hush Moshi", command: "set_hushed", field: "hushed" },
    { name: "Pause", command: "set_paused", field: "paused" },
  ] as const;

  test.for(SWITCHES)("$name goes on and off, and shows what Rust says", async ({ name, command, field }, { open }) => {
    const popover = await open("popover", { snapshot: { talk: talk("listening") } });
    const button = popover.page.getByRole("button", { name, exact: true });
    await attribute(button, "aria-pressed", "false");
    await button.click();
    await asks(popover, command, { on: true });
    await attribute(button, "aria-pressed", "false");
    await popover.tell({ kind: "talk", talk: talk("listening", { [field]: true }) });
    await attribute(button, "aria-pressed", "true");
    await button.click();
    await asks(popover, command, { on: false });
  });

  test("whoever pushes to talk is heard by pointer and by key, and only while it is held", async ({ open }) => {
    const popover = await open("popover", { snapshot: { talk: talk("listening", { push_to_talk: true }) } });
    const { page } = popover;
    const button = page.getByRole("button", { name: "Hold to talk" });
    const held = () => popover.shell.argumentsOf("hold_talk_key");
    await button.hover();
    await page.mouse.down();
    await asks(popover, "hold_talk_key", { down: true });
    await page.mouse.move(2, 2); // the button has the pointer until it is let go
    await page.mouse.up();
    await asks(popover, "hold_talk_key", { down: false });
    for (const key of ["Space", "Enter"]) {
      await button.focus();
      await page.keyboard.down(key);
      await page.keyboard.down(key); // as a key repeats
      await asks(popover, "hold_talk_key", { down: true });
      await page.keyboard.up(key);
      await asks(popover, "hold_talk_key", { down: false });
    }
    expect(held()).toHaveLength(6);
    await page.keyboard.down("Space");
    await asks(popover, "hold_talk_key", { down: true });
    await popover.tell({ kind: "talk", talk: talk("stopping", { push_to_talk: true }) });
    await asks(popover, "hold_talk_key", { down: false });
    await page.keyboard.up("Space");
    expect(held()).toHaveLength(8);
  });
});

describe("a problem", () => {
  const ACTIONS: { action: ProblemAction; button: string; command: Parameters<typeof asks>[1]; args: object; code?: string }[] = [
    { action: "retry", button: "Try again", command: "start_talk", args: {} },
    { action: "open_microphone_settings", button: "Open System Settings", command: "open_system_settings", args: { pane: "microphone" } },
    { action: "choose_microphone", button: "Choose a microphone", command: "open_window", args: { window: "settings", tab: "sound" } },
    { action: "choose_speaker", button: "Choose a speaker", command: "open_window", args: { window: "settings", tab: "sound" } },
    { action: "download", button: "Download", command: "pull_model", args: { name: "moshiko-q8" }, code: "model_missing" },
    { action: "verify", button: "Verify", command: "verify_model", args: { name: "moshiko-q8" }, code: "model_damaged" },
    { action: "verify", button: "Verify", command: "verify_model", args: { name: "moshika-q4" }, code: "load_failed" },
    { action: "open_library", button: "Show the models", command: "open_window", args: { window: "settings", tab: "quality" } },
  ];

  test.for(ACTIONS)("that $action helps with has the button $button", async ({ action, button, command, args, code = "engine_hangs" }, { open }) => {
    const popover = await open("popover", {
      // The engine of the last talk is another one than what is chosen for the next.
      snapshot: { models: [nano, model("moshiko", "q8"), model("moshika", "q4")], talk: talk("listening", { model: "moshika-q4", problem: problem(code, action) }) },
      settings: { model: "moshiko-q8" },
    });
    await sees(popover.page.getByRole("alert"), catalog.en[`problem.${code}` as Key]);
    await popover.page.getByRole("region", { name: "Problem" }).getByRole("button", { name: button }).click();
    await asks(popover, command, args);
    await fits(popover);
  });

  const QUICKER = [
    { of: "is here", q4: here("q4"), command: "choose_model", args: { name: "moshika-q4" } },
    { of: "must be fetched first", q4: {}, command: "open_window", args: { window: "settings", tab: "quality" } },
  ] as const;

  test.for(QUICKER)("of a slow machine leads to the smaller model of the same voice, which $of", async ({ q4, command, args }, { open }) => {
    const models = [model("moshiko", "q4", here("q4")), model("moshika", "q8", { ...here("q8"), is_chosen: true }), model("moshika", "q4", q4)];
    const popover = await open("popover", { snapshot: { models, talk: talk("listening", { problem: problem("talk_too_slow", "switch_to_q4") }) } });
    await popover.press("Switch to q4");
    await asks(popover, command, args);
  });

  test("has no button for a model that nobody has, or that is on its way", async ({ open }) => {
    const missing = talk("idle", { problem: problem("model_missing", "download") });
    const coming = model("moshiko", "q4", { is_chosen: true, job: job() });
    const popover = await open("popover", { snapshot: { models: [nano, coming], talk: missing } });
    await sees(popover.page.getByRole("alert"), "The chosen model is not on this computer.");
    expect(await popover.page.getByRole("button", { name: "Download" }).count()).toBe(0);
    await popover.tell({ kind: "models", models: [nano] }, { kind: "talk", talk: talk("listening", { problem: problem("talk_too_slow", "switch_to_q4") }) });
    await sees(popover.page.getByRole("alert"), "too slow");
    expect(await popover.page.getByRole("button", { name: "Switch to q4" }).count()).toBe(0);
  });

  test("goes away when it is over", async ({ open }) => {
    const popover = await open("popover", { snapshot: { talk: talk("listening", { problem: problem("microphone_silent") }) } });
    await sees(popover.page.getByRole("alert"), "The microphone gives no sound.");
    await popover.tell({ kind: "talk", talk: talk("listening") });
    await popover.page.getByRole("alert").waitFor({ state: "detached" });
    await fits(popover);
  });

  const codes = (Object.keys(catalog.en) as Key[]).filter((key) => /^problem\.[a-z_]+$/.test(key) && key !== "problem.label");

  test.for(["en", "fr", "ja"] as const)("of each known kind has its sentence in %s", async (language, { open }) => {
    const popover = await open("popover", { settings: { language } });
    for (const key of codes) {
      await popover.tell({ kind: "talk", talk: talk("failed", { problem: problem(key.replace("problem.", ""), "retry") }) });
      await sees(popover.page.getByRole("alert"), catalog[language][key]);
      expect(await popover.page.getByRole("alert").innerText(), key).not.toContain("as Rust");
      await fits(popover);
    }
  });

  test("of an unknown kind is told as Rust tells it", async ({ open }) => {
    const popover = await open("popover", { snapshot: { talk: talk("failed", { problem: problem("brand_new") }) }, settings: { language: "ja" } });
    await sees(popover.page.getByRole("alert"), "as Rust says it");
    await sees(popover.page.getByRole("alert"), "as Rust hints");
  });
});

describe("a notice", () => {
  test("tells that a command was refused, and can be closed", async ({ open }) => {
    const popover = await open("popover", { arrange: (shell) => (shell.answers.start_talk = refuse("engine_busy", "Wait a moment.")) });
    await popover.press("Start talking");
    await sees(popover.page.getByRole("alert"), "Wait a moment.");
    await fits(popover);
    await popover.press("Close");
    await popover.page.getByRole("alert").waitFor({ state: "detached" });
    await fits(popover);
  });

  test("of good news is no alarm", async ({ open }) => {
    const popover = await open("popover");
    await popover.tell({ kind: "notice", code: "model_ready", message: "moshiko-q8 is here" });
    await sees(popover.page.getByRole("region", { name: "News" }).getByRole("status"), "The model is here.");
    expect(await popover.page.getByRole("alert").count()).toBe(0);
  });

  test("of something that went wrong is one", async ({ open }) => {
    const popover = await open("popover");
    await popover.tell({ kind: "notice", code: "recording_stopped", message: "the disk is full" });
    await sees(popover.page.getByRole("alert"), "The recording has stopped; the talk goes on.");
  });
});

describe("captions", () => {
  test("are a log that is read out as it grows", async ({ open }) => {
    const popover = await open("popover", { snapshot: { talk: talk("listening") } });
    const log = popover.page.getByRole("log", { name: "What is said" });
    await attribute(log, "aria-live", "polite");
    await sees(log, "What Moshi says appears here.");
    await popover.tell(...words("Hello , you there !").map((word) => ({ kind: "word" as const, word })));
    await expect.poll(() => log.innerText()).toBe("Hello, you there!");
    // A word is an element of its own: a whole line would be read again with each.
    expect(await log.locator("span").allInnerTexts()).toHaveLength(5);
    await popover.tell(...words("I am fine", 4, "user").map((word) => ({ kind: "word" as const, word })));
    await expect.poll(() => log.locator("p").count()).toBe(2);
    await popover.tell({ kind: "talk", talk: talk("idle") }, { kind: "talk", talk: talk("loading") });
    await sees(log, "What Moshi says appears here.");
  });

  test("keep their place however much is said", async ({ open }) => {
    const popover = await open("popover", { snapshot: { talk: talk("listening"), captions: said } });
    await fits(popover);
    const before = popover.shell.argumentsOf("fit_popover").length;
    await popover.tell(...words("and so on ".repeat(60).trim(), 20).map((word) => ({ kind: "word" as const, word })));
    await sees(popover.page.getByRole("log"), "and");
    await fits(popover);
    expect(popover.shell.argumentsOf("fit_popover").length, "the window does not jump").toBe(before);
    expect(await popover.page.getByRole("log").locator("p").count()).toBeLessThanOrEqual(4);
  });

  test("are not there if nobody wants them", async ({ open }) => {
    const popover = await open("popover", { settings: { show_captions: false } });
    await sees(popover.page, "Ready");
    expect(await popover.page.getByRole("log").count()).toBe(0);
    await fits(popover);
  });
});

describe("the pace", () => {
  const painted = ({ page }: Opened) => page.locator("canvas").evaluate((canvas) => (canvas as HTMLCanvasElement).toDataURL());

  test("is drawn and told as frames come", async ({ open }) => {
    const popover = await open("popover", { snapshot: { talk: talk("listening") } });
    const { page } = popover;
    const figures = page.getByRole("region", { name: "Time per frame" });
    await sees(figures, "–");
    const empty = await painted(popover);
    await popover.tell(...frames(60), frame(60, { took_ms: 61.4, backlog_frames: 2, user_level: 0.1, moshi_level: 0.5 }), { kind: "pace", pace: { ...pace, dropped_frames: 3 } });
    await page.getByRole("img", { name: "Now 61 ms; 80 ms are allowed." }).waitFor();
    expect(await painted(popover)).not.toBe(empty);
    await expect.poll(() => figures.locator("dd").allInnerTexts()).toEqual(["61 ms", "56 ms", "2", "3"]);
    await sees(page, "0:04"); // 61 frames of 80 ms
    await attribute(page.getByRole("meter", { name: "Level of the microphone" }), "aria-valuenow", "67");
    await attribute(page.getByRole("meter", { name: "Level of the speaker" }), "aria-valuenow", "90");
    await fits(popover);
  });

  test("stands out when a frame is late", async ({ open }) => {
    const popover = await open("popover", { snapshot: { talk: talk("listening") } });
    const late = () => popover.page.locator(".late dd").allInnerTexts();
    await popover.tell(frame(0));
    await sees(popover.page, "52 ms");
    expect(await late()).toEqual([]);
    // The late one is not the one that is drawn with.
    await popover.tell(frame(1), frame(2, { took_ms: 131 }), frame(3), frame(4), frame(5));
    await expect.poll(late).toEqual(["131 ms"]);
    await popover.tell(frame(6), frame(7), frame(8), frame(9), frame(10));
    await expect.poll(late).toEqual([]);
  });

  test("is drawn once a second for whoever wants less motion", async ({ open }) => {
    const popover = await open("popover", { snapshot: { talk: talk("listening") }, reducedMotion: true });
    const empty = await painted(popover);
    await popover.tell(...frames(11));
    await sees(popover.page, "0:00");
    await expect.poll(() => popover.page.locator("dd").first().innerText()).not.toBe("–");
    expect(await painted(popover)).toBe(empty);
    await popover.tell(frame(11));
    await expect.poll(() => painted(popover)).not.toBe(empty);
  });
});

describe("the popover's foot", () => {
  const LINKS = [
    { name: "Model moshiko-q4: open the settings", command: "open_window", args: { window: "settings", tab: "quality" } },
    { name: "History", command: "open_window", args: { window: "history", tab: null } },
    { name: "Settings", command: "open_window", args: { window: "settings", tab: null } },
    { name: "Quit", command: "quit", args: {} },
  ] as const;

  test.for(LINKS)("leads on: $name", async ({ name, command, args }, { open }) => {
    const popover = await open("popover");
    await popover.press(name);
    await asks(popover, command, args);
  });

  test("shows how far the chosen model is on its way", async ({ open }) => {
    const coming = model("moshiko", "q8", { is_chosen: true, job: job() });
    const popover = await open("popover", { snapshot: { models: [nano, coming] } });
    await attribute(popover.page.getByRole("progressbar", { name: "Progress of moshiko-q8" }), "aria-valuenow", "43");
    expect(await popover.page.getByRole("button", { name: "Pause" }).count(), "the settings have the buttons").toBe(0);
    await fits(popover);
  });
});

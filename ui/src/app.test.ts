import { describe, expect, it } from "vitest";

import { App } from "./app.svelte";
import type { TalkView, UiEvent } from "./bindings";

const talk = (state: TalkView["state"]): UiEvent => {
  const view: TalkView = {
    state, model: "nano", seconds: 0, muted: false, hushed: false, paused: false, push_to_talk: false, loaded: true, is_sound_check: false,
    loading: null, problem: null,
  };
  return { kind: "talk", talk: view };
};
const frame = (index: number, moshi_speaks = false): UiEvent => ({
  kind: "frame", index, took_ms: 20 + index, backlog_frames: 1, user_level: 0.5, moshi_level: 0.1, moshi_speaks,
});
const word = (text: string): UiEvent => ({ kind: "word", word: { speaker: "moshi", text, start_seconds: 0 } });

function talking(): App {
  const app = new App();
  for (const state of ["idle", "loading", "listening"] as const) app.take(talk(state));
  return app;
}

describe("the store", () => {
  it("says that Moshi speaks while the frames say so", () => {
    const app = talking();
    app.take(frame(0, true));
    expect(app.moshiSpeaks).toBe(true);
    app.take(frame(1, false));
    expect(app.moshiSpeaks).toBe(false);
  });

  it("counts the time of a talk in frames", () => {
    const app = talking();
    app.take(frame(124));
    expect(app.elapsedSeconds).toBeCloseTo(10);
  });

  it("forgets words and frames when another talk begins", () => {
    const app = talking();
    app.take(frame(0));
    app.take(word("Hello"));
    app.take(talk("stopping"));
    app.take(talk("idle"));
    expect(app.words).toHaveLength(1);
    app.take(talk("loading"));
    expect(app.words).toEqual([]);
    expect(app.frames.slowestOfLast(1)).toBeNull();
  });

  it("keeps the words when the engine is loaded again within a talk", () => {
    const app = talking();
    app.take(word("Hello"));
    app.take(talk("loading"));
    app.take(talk("listening"));
    expect(app.words).toHaveLength(1);
  });

  it("forgets the oldest words of a long talk, and counts them", () => {
    const app = talking();
    for (let count = 0; count < 401; count += 1) app.take(word(String(count)));
    expect(app.words[0]?.text).toBe("200");
    expect(app.forgottenWords).toBe(200);
  });

  it("counts what others did to the history, and remembers the wanted tab", () => {
    const app = new App();
    app.take({ kind: "history" });
    app.take({ kind: "show_tab", tab: "sound" });
    expect([app.historyCount, app.wantedTab]).toEqual([1, { tab: "sound" }]);
  });

  it("shows no level once the talk is over", () => {
    const app = talking();
    app.take(frame(0, true));
    app.take(talk("stopping"));
    expect(app.levels).toEqual({ user: 0, moshi: 0 });
    expect(app.moshiSpeaks).toBe(false);
  });
});

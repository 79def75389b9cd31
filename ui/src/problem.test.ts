import { describe, expect, it } from "vitest";

import type { ModelView, Problem, Settings, TalkView } from "./bindings";
import { modelOf, q4Of, wording } from "./problem";
import { catalog } from "./strings/catalog";
import talk from "../../src-tauri/src/talk/problem.rs?raw";

const en = catalog.en;

const problem = (code: string): Problem => ({ code, message: "as Rust says it", hint: "as Rust hints", action: null });
const model = (name: string, change: Partial<ModelView> = {}): ModelView => ({
  name, voice: "moshiko", quality: "q4", licence: null, is_default: false, is_recommended: false, is_chosen: false, is_built_in: false,
  size_bytes: 0, present_bytes: 0, state: { name: "absent" }, fit: null, job: null, ...change,
});

describe("a problem", () => {
  it("is said in our words if its code is known", () => {
    expect(wording(problem("disk_full"), (key) => en[key])).toEqual({ message: en["problem.disk_full"], hint: en["problem.disk_full.hint"] });
  });

  it("is known if a talk can have it", () => {
    const codes = [...talk.matchAll(/"([a-z]+(?:_[a-z]+)+)"/g)].map(([, code]) => code ?? "");
    expect(codes.length).toBeGreaterThan(10);
    for (const code of codes) expect(wording(problem(code), (key) => en[key]).message, code).not.toBe("as Rust says it");
  });

  it("is said as Rust says it otherwise", () => {
    expect(wording(problem("something_new"), (key) => en[key])).toEqual({ message: "as Rust says it", hint: "as Rust hints" });
    expect(wording(problem("constructor"), (key) => en[key]).message).toBe("as Rust says it");
  });
});

describe("switching to q4", () => {
  it("keeps the voice", () => {
    const models = [model("moshiko-q4"), model("moshika-q4", { voice: "moshika" }), model("moshika-q8", { voice: "moshika", quality: "q8", is_chosen: true })];
    expect(q4Of(models)?.name).toBe("moshika-q4");
  });

  it("never means nano", () => {
    expect(q4Of([model("nano", { voice: "nano", is_built_in: true, is_chosen: true })])).toBeNull();
  });
});

describe("the model that a problem is about", () => {
  const last = { model: "nano" } as TalkView;
  const chosen = { model: "moshiko-q8" } as Settings;

  it("is the one that was to be loaded", () => expect(modelOf(problem("load_failed"), last, chosen)).toBe("nano"));
  it("is otherwise the chosen one, whoever talked last", () => expect(modelOf(problem("model_missing"), last, chosen)).toBe("moshiko-q8"));
});

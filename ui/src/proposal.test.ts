import { describe, expect, it } from "vitest";

import type { ModelView } from "./bindings";
import { proposed } from "./proposal";

const model = (name: string, voice: ModelView["voice"], change: Partial<ModelView> = {}): ModelView => ({
  name, voice, quality: "q4", licence: null, is_default: false, is_recommended: false, is_chosen: false, is_built_in: false,
  size_bytes: 0, present_bytes: 0, state: { name: "absent" }, fit: null, job: null, ...change,
});

describe("the proposal of a first run", () => {
  it("is what suits the machine, in the default voice", () => {
    const models = [
      model("moshika-q8", "moshika", { is_recommended: true }),
      model("moshiko-q8", "moshiko", { is_recommended: true }),
      model("moshiko-q4", "moshiko", { is_default: true }),
    ];
    expect(proposed(models)?.name).toBe("moshiko-q8");
  });

  it("is nothing if nothing surely suits the machine", () => {
    expect(proposed([model("moshiko-q4", "moshiko", { is_default: true })])).toBeNull();
  });

  it("is never nano", () => {
    expect(proposed([model("nano", "nano", { is_recommended: true, is_built_in: true })])).toBeNull();
  });
});

import { describe, expect, it } from "vitest";

import { fromPress, glyphs, isUsable, parse, same, store } from "./shortcut";

const press = (code: string, held: Partial<Record<"ctrlKey" | "altKey" | "shiftKey" | "metaKey", boolean>> = {}) => ({
  ctrlKey: false, altKey: false, shiftKey: false, metaKey: false, code, ...held,
});
const read = (text: string) => {
  const shortcut = parse(text);
  if (shortcut === null) throw new Error(`${text} is no shortcut`);
  return shortcut;
};

describe("a shortcut", () => {
  it("is stored as it was read", () => {
    expect(store(read("Control+Alt+Shift+Command+KeyM"))).toBe("Control+Alt+Shift+Command+KeyM");
  });

  it("is read from short names and any order too", () => {
    expect(store(read("cmd+option+m"))).toBe("Alt+Command+KeyM");
    expect(store(read("CmdOrCtrl+Shift+1"))).toBe("Shift+Command+Digit1");
  });

  it("is none with an unknown modifier, an unknown key, or no key", () => {
    expect(parse("Hyper+KeyM")).toBeNull();
    expect(parse("Command+Nonsense")).toBeNull();
    expect(parse("")).toBeNull();
    expect(parse("Command+")).toBeNull();
  });

  it("is shown in the order of macOS", () => {
    expect(glyphs(read("Command+Shift+Alt+Control+Space"))).toBe("⌃⌥⇧⌘Space");
    expect(glyphs(read("Alt+ArrowUp"))).toBe("⌥↑");
  });

  it("comes from a pressed key, and not from modifiers alone", () => {
    expect(fromPress(press("KeyM", { altKey: true }))).toEqual(read("Alt+KeyM"));
    expect(fromPress(press("AltLeft", { altKey: true }))).toBeNull();
  });

  it("must not take a letter from typing", () => {
    expect(isUsable(read("KeyM"))).toBe(false);
    expect(isUsable(read("Shift+KeyM"))).toBe(false);
    expect(isUsable(read("Alt+KeyM"))).toBe(true);
    expect(isUsable(read("F13"))).toBe(true);
  });

  it("is the same however it is written", () => {
    expect(same("Cmd+M", "Command+KeyM")).toBe(true);
    expect(same("Cmd+M", "Cmd+N")).toBe(false);
    expect(same(null, null)).toBe(false);
  });
});

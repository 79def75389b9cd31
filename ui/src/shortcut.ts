/** A shortcut as it is stored, the way Tauri's global shortcuts read it: "Control+Alt+Shift+Command+KeyM". */
export interface Shortcut {
  control: boolean;
  alt: boolean;
  shift: boolean;
  command: boolean;
  key: string;
}

export interface Press {
  ctrlKey: boolean;
  altKey: boolean;
  shiftKey: boolean;
  metaKey: boolean;
  code: string;
}

const ALIASES: Record<string, keyof Omit<Shortcut, "key">> = {
  control: "control", ctrl: "control", alt: "alt", option: "alt", shift: "shift",
  command: "command", cmd: "command", super: "command", meta: "command", commandorcontrol: "command", cmdorctrl: "command",
};

const KEY = /^(Key[A-Z]|Digit[0-9]|F([1-9]|1[0-9]|2[0-4])|Arrow(Up|Down|Left|Right)|Space|Enter|Tab|Backspace|Delete|Escape|Home|End|PageUp|PageDown|Minus|Equal|Comma|Period|Slash|Backslash|Semicolon|Quote|Backquote|BracketLeft|BracketRight)$/;

const GLYPHS: Record<string, string> = {
  ArrowUp: "↑", ArrowDown: "↓", ArrowLeft: "←", ArrowRight: "→", Enter: "↩", Tab: "⇥", Backspace: "⌫", Delete: "⌦", Escape: "⎋",
  Home: "↖", End: "↘", PageUp: "⇞", PageDown: "⇟", Minus: "-", Equal: "=", Comma: ",", Period: ".", Slash: "/", Backslash: "\\",
  Semicolon: ";", Quote: "'", Backquote: "`", BracketLeft: "[", BracketRight: "]",
};

/** Reads a stored shortcut; null if it is none. */
export function parse(text: string): Shortcut | null {
  const parts = text.split("+").map((part) => part.trim());
  const last = parts.pop();
  if (last === undefined) return null;
  const key = fullKey(last);
  if (key === null) return null;
  const shortcut: Shortcut = { control: false, alt: false, shift: false, command: false, key };
  for (const part of parts) {
    const modifier = ALIASES[part.toLowerCase()];
    if (modifier === undefined) return null;
    shortcut[modifier] = true;
  }
  return shortcut;
}

function fullKey(text: string): string | null {
  if (/^[a-z]$/i.test(text)) return `Key${text.toUpperCase()}`;
  if (/^[0-9]$/.test(text)) return `Digit${text}`;
  return KEY.test(text) ? text : null;
}

/** What was pressed; null while only modifiers are down, or for a key that cannot be one. */
export function fromPress(press: Press): Shortcut | null {
  if (!KEY.test(press.code)) return null;
  return { control: press.ctrlKey, alt: press.altKey, shift: press.shiftKey, command: press.metaKey, key: press.code };
}

/** Whether it can be a global shortcut without taking a key from typing: a strong modifier, or a function key. */
export function isUsable(shortcut: Shortcut): boolean {
  return shortcut.control || shortcut.alt || shortcut.command || /^F\d+$/.test(shortcut.key);
}

export function store(shortcut: Shortcut): string {
  const modifiers = [shortcut.control && "Control", shortcut.alt && "Alt", shortcut.shift && "Shift", shortcut.command && "Command"];
  return [...modifiers.filter((name) => name !== false), shortcut.key].join("+");
}

/** As menus of macOS show it, in their order: ⌃⌥⇧⌘M. */
export function glyphs(shortcut: Shortcut): string {
  const modifiers = [shortcut.control && "⌃", shortcut.alt && "⌥", shortcut.shift && "⇧", shortcut.command && "⌘"];
  const key = GLYPHS[shortcut.key] ?? shortcut.key.replace(/^(Key|Digit)/, "");
  return [...modifiers.filter((glyph) => glyph !== false), key].join("");
}

export function same(one: string | null, other: string | null): boolean {
  const [left, right] = [one === null ? null : parse(one), other === null ? null : parse(other)];
  return left !== null && right !== null && store(left) === store(right);
}

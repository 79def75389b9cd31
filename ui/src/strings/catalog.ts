// The menu of the tray reads the same files.
import en from "./en.json";
import fr from "./fr.json";
import ja from "./ja.json";

export type Key = keyof typeof en;
export type Strings = Record<Key, string>;
export type Language = "en" | "fr" | "ja";
export type Values = Record<string, string | number>;

export const catalog: Record<Language, Strings> = { en, fr, ja };

/** Puts values in their places. A place without a value stays visible: better an ugly line than a wrong one. */
export function fill(text: string, values: Values): string {
  return text.replace(/\{(\w+)\}/g, (place, name: string) => (name in values ? String(values[name]) : place));
}

/** The language for a wish and what the system prefers, best first; English if it knows none of ours. */
export function languageFor(wish: Language | "system", preferred: readonly string[]): Language {
  if (wish !== "system") return wish;
  for (const tag of preferred) {
    const language = tag.toLowerCase().split("-")[0];
    if (language === "en" || language === "fr" || language === "ja") return language;
  }
  return "en";
}

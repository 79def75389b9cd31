import { app } from "./app.svelte";
import { catalog, fill, languageFor, type Key, type Language, type Values } from "./strings/catalog";

/** The language of this window; follows the settings at once. */
export function language(): Language {
  return languageFor(app.settings?.language ?? "system", navigator.languages);
}

/** The locale of numbers and dates: the system's own variant where it is of the same language. */
export function locale(): string {
  const chosen = language();
  return navigator.languages.find((tag) => tag.toLowerCase().split("-")[0] === chosen) ?? chosen;
}

export function t(key: Key, values: Values = {}): string {
  return fill(catalog[language()][key], values);
}

import { describe, expect, it } from "vitest";

import { catalog, fill, languageFor } from "./catalog";

const sources = import.meta.glob<string>(["../**/*.ts", "../**/*.svelte", "!../strings/**", "!../**/*.test.ts", "!../bindings.ts"], {
  query: "?raw", import: "default", eager: true,
});
const keys = Object.keys(catalog.en) as (keyof typeof catalog.en)[];
/** Used by the shell, whose own test looks for them. */
const isOfMenu = (key: string) => /^(menu|tray)\./.test(key);
const places = (text: string) => [...text.matchAll(/\{\w+\}/g)].map(([place]) => place).sort();

describe("the catalog", () => {
  it.each(["fr", "ja"] as const)("has every key in %s, and no other", (language) => {
    expect(Object.keys(catalog[language]).sort()).toEqual([...keys].sort());
  });

  it.each(["fr", "ja"] as const)("has the same placeholders in %s", (language) => {
    for (const key of keys) expect(places(catalog[language][key]), key).toEqual(places(catalog.en[key]));
  });

  it("says something for every key in every language", () => {
    for (const strings of Object.values(catalog)) for (const key of keys) expect(strings[key].trim(), key).not.toBe("");
  });

  // Somebody who steers by voice says what is seen.
  it.each(["quality.choose", "model.download", "model.go_on", "model.verify", "model.delete", "model.import"] as const)("says what %s shows where it says more", (key) => {
    for (const strings of Object.values(catalog)) {
      const shown = key === "model.delete" ? strings.delete : strings[key];
      expect(strings[`${key}_long`].toLowerCase()).toContain(shown.replace("…", "").toLowerCase());
    }
  });

  it("does not speak of a Mac to somebody who has none", () => {
    for (const strings of Object.values(catalog)) for (const key of keys) expect(strings[key], key).not.toMatch(/\bMacs?\b|macOS/);
  });

  it("has no key that the source does not use", () => {
    const source = Object.values(sources).join("\n");
    expect(keys.filter((key) => !source.includes(`"${key}"`) && !isOfMenu(key))).toEqual([]);
  });
});

describe("a text", () => {
  it("gets its values", () => expect(fill("{done} of {total}", { done: 1, total: "2" })).toBe("1 of 2"));
  it("keeps a place that has no value", () => expect(fill("{a}", {})).toBe("{a}"));
});

describe("the language", () => {
  it("is the one that was chosen", () => expect(languageFor("ja", ["fr-FR"])).toBe("ja"));
  it("is otherwise the first of the system's that we speak", () => expect(languageFor("system", ["de-DE", "fr-CA", "en"])).toBe("fr"));
  it("is English if we speak none of them", () => expect(languageFor("system", ["de"])).toBe("en"));
});

import { act } from "./app.svelte";
import type { Tab } from "./commands";

export const TABS: readonly Tab[] = ["quality", "sound", "talk", "recording", "general"];

const KEPT_AS = "settings-tab";

export function isTab(text: string | null): text is Tab {
  return TABS.some((tab) => tab === text);
}

function kept(): Tab {
  const tab = localStorage.getItem(KEPT_AS);
  return isTab(tab) ? tab : "quality";
}

/** The tab that the settings show, and showed last. */
class SettingsTab {
  #current = $state<Tab>(kept());

  get current(): Tab {
    return this.#current;
  }

  choose(tab: Tab): void {
    this.#current = tab;
    localStorage.setItem(KEPT_AS, tab);
  }
}

export const settingsTab = new SettingsTab();

export function openSettings(tab: Tab): void {
  void act("open_window", { window: "settings", tab });
}

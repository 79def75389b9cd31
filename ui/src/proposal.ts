import type { ModelView } from "./bindings";

/** The model to propose on a first run: what suits the machine, in the default voice; null if nothing surely suits it. */
export function proposed(models: readonly ModelView[]): ModelView | null {
  const suiting = models.filter((model) => model.is_recommended && !model.is_built_in);
  const voice = models.find((model) => model.is_default)?.voice;
  return suiting.find((model) => model.voice === voice) ?? suiting[0] ?? null;
}

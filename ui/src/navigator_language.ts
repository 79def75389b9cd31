/**
 * WebKit names the POSIX locale "C", or "C.UTF-8", which is no language tag: whoever hands it to Intl, as uPlot does while it is loaded,
 * gets an exception, and the window stays empty. Imported before everything else.
 */
function isTag(language: string): boolean {
  try {
    return Intl.getCanonicalLocales(language).length === 1;
  } catch {
    return false;
  }
}

if (!isTag(navigator.language)) Object.defineProperty(navigator, "language", { value: "en", configurable: true });

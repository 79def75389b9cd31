//! The words of the menu, from the same catalog as the windows'.

use std::collections::BTreeMap;

use crate::settings::Language;

/// The words of one language.
#[derive(Debug)]
pub(crate) struct Strings(BTreeMap<String, String>);

impl Strings {
    /// The words for a wish; the system's language where there is none, English where that is none of ours.
    pub(crate) fn of(wish: Language) -> Self {
        let json = match wish {
            Language::System => return Self::of(of_system(sys_locale::get_locales())),
            Language::En => include_str!("../../ui/src/strings/en.json"),
            Language::Fr => include_str!("../../ui/src/strings/fr.json"),
            Language::Ja => include_str!("../../ui/src/strings/ja.json"),
        };
        // The build's own files: a test reads them all.
        Self(serde_json::from_str(json).unwrap_or_default())
    }

    /// A text; its key where there is none.
    pub(crate) fn get(&self, key: &str) -> String {
        self.0.get(key).map_or(key, String::as_str).to_owned()
    }

    /// A text with values in its places.
    pub(crate) fn fill(&self, key: &str, values: &[(&str, &str)]) -> String {
        values.iter().fold(self.get(key), |text, (name, value)| text.replace(&format!("{{{name}}}"), value))
    }
}

/// The first of the system's languages that is one of ours.
fn of_system(preferred: impl IntoIterator<Item = String>) -> Language {
    let ours = |tag: String| match tag.to_lowercase().split(['-', '_', '.']).next() {
        Some("en") => Some(Language::En),
        Some("fr") => Some(Language::Fr),
        Some("ja") => Some(Language::Ja),
        _ => None,
    };
    preferred.into_iter().find_map(ours).unwrap_or(Language::En)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_has_every_text_of_the_menu() {
        let all = [Language::En, Language::Fr, Language::Ja].map(Strings::of);
        let source = [include_str!("tray.rs"), include_str!("tray/menu.rs"), include_str!("tray/face.rs")].concat();
        let used: Vec<&str> =
            source.split('"').filter(|text| text.starts_with("menu.") || text.starts_with("tray.")).collect();
        assert!(used.len() > 20);
        for key in used {
            for strings in &all {
                assert!(strings.0.contains_key(key), "{key}");
            }
        }
    }

    #[test]
    fn no_text_of_the_menu_is_left_over() {
        let source = [include_str!("tray.rs"), include_str!("tray/menu.rs"), include_str!("tray/face.rs")].concat();
        for key in Strings::of(Language::En).0.keys().filter(|key| key.starts_with("menu.") || key.starts_with("tray."))
        {
            assert!(source.contains(&format!("\"{key}\"")), "{key}");
        }
    }

    #[test]
    fn places_get_their_values() {
        let strings = Strings::of(Language::Fr);
        assert_eq!(strings.fill("menu.pace", &[("ms", "52")]), "52 ms");
        assert_eq!(strings.get("no.such.key"), "no.such.key");
    }

    #[test]
    fn the_system_s_first_language_that_is_ours_is_taken() {
        let of = |tags: &[&str]| of_system(tags.iter().map(|tag| (*tag).to_owned()));
        assert_eq!(of(&["de-DE", "fr-CA", "en"]), Language::Fr);
        assert_eq!(of(&["ja_JP.UTF-8"]), Language::Ja);
        assert_eq!(of(&["de"]), Language::En);
    }
}

//! The three precisions in which the language model is published.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Precision of the language model's weights: size, speed and fidelity in one choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Quality {
    /// 4 bits a weight in groups of 32: the default.
    Q4,
    /// 8 bits a weight in groups of 64: high quality.
    Q8,
    /// 16-bit floats: research, not for real time.
    Bf16,
}

impl Quality {
    /// All qualities, smallest first.
    pub const ALL: [Self; 3] = [Self::Q4, Self::Q8, Self::Bf16];

    /// `q4`, `q8` or `bf16`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Q4 => "q4",
            Self::Q8 => "q8",
            Self::Bf16 => "bf16",
        }
    }
}

impl fmt::Display for Quality {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Quality {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|quality| quality.name() == text)
            .ok_or_else(|| format!("'{text}' is not a quality: choose q4, q8 or bf16"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_read_back_and_nothing_else_is() {
        for quality in Quality::ALL {
            assert_eq!(quality.name().parse(), Ok(quality));
            assert_eq!(serde_json::to_string(&quality).unwrap(), format!("\"{quality}\""));
        }
        assert!("Q4".parse::<Quality>().is_err());
        assert!("".parse::<Quality>().is_err());
    }
}

"""Every synthesiser by its name."""

from nano.speech.neural import Hibari, Kokoro, Piper
from nano.speech.synthesisers import Espeak, Festival, Flite, Pico, RHVoice, Synthesiser

SYNTHESISERS: dict[str, Synthesiser] = {
    synthesiser.name: synthesiser for synthesiser in (Espeak(), RHVoice(), Festival(), Piper(), Kokoro(), Hibari(), Flite(), Pico())
}

"""Which voices train, which validate, and which are only heard in tests. Fixed before training: see training/README.md.

RHVoice's `evgeniy-eng` and `lyubov` are left out altogether: their licence (CC BY-NC-ND) would follow the model.
"""

ESPEAK_ACCENTS = ("en-us", "en-gb", "en-gb-scotland", "en-gb-x-rp", "en-029", "en-gb-x-gbclan", "en-gb-x-gbcwmd")
# Without whispers, robots and jokes, and without the variants that are held out.
ESPEAK_VARIANTS = (
    "", "m1", "m2", "m3", "m4", "m5", "m6", "m7", "m8", "f1", "f2", "f3", "f4", "f5", "klatt", "klatt2", "klatt3", "klatt4",
    "Alex", "Alicia", "Andrea", "Andy", "Annie", "Denis", "Diogo", "Henrique", "Hugo", "Jacky", "Lee", "Marco", "Michael",
    "Mike", "Nguyen", "Reed", "adam", "anika", "antonio", "aunty", "belinda", "benjamin", "boris", "caleb", "david", "ed",
    "edward", "grandma", "grandpa", "gustave", "ian", "iven", "john", "kaukovalta", "linda", "marcelo", "max", "michel",
    "miguel", "norbert", "pablo", "paul", "pedro", "quincy", "rob", "robert", "sandro", "shelby", "steph", "travis",
    "victor", "zac",
)  # fmt: skip

# Tests only: these combinations, and the variants Gene and Mario with any accent.
HELD_OUT_ESPEAK = ("en-us+f4", "en-gb-x-rp+m7", "en-gb-scotland+m1", "en-gb+f3")
TEST_VOICES: tuple[tuple[str, str], ...] = (
    *(("espeak", voice) for voice in HELD_OUT_ESPEAK),
    ("espeak", "en-us+Gene"), ("espeak", "en-gb+Mario"),
    ("rhvoice", "alan"),
    ("flite", "awb"), ("flite", "rms"), ("flite", "kal16"), ("flite", "slt"),
    ("pico", "en-US"), ("pico", "en-GB"),
)  # fmt: skip

VALIDATION_VOICES: tuple[tuple[str, str], ...] = (
    ("espeak", "en-us+m4"), ("espeak", "en-gb-x-gbclan+f2"), ("espeak", "en-029+Annie"), ("festival", "kal_diphone"),
)  # fmt: skip

_ESPEAK = tuple(f"{accent}+{variant}".removesuffix("+") for accent in ESPEAK_ACCENTS for variant in ESPEAK_VARIANTS)
TRAINING_VOICES: dict[str, tuple[str, ...]] = {
    "espeak": tuple(v for v in _ESPEAK if v not in HELD_OUT_ESPEAK and ("espeak", v) not in VALIDATION_VOICES),
    "rhvoice": ("bdl", "clb", "slt"),
    "festival": ("cmu_us_slt_arctic_hts", "cmu_us_slt_arctic_hts", "ked_diphone"),  # the first twice as often
    "kokoro": tuple(f"{('us', 'gb')[number % 2]}-{number}" for number in range(400)),
    "piper": ("en-us", "en", "en-gb-x-rp", "en-gb-scotland"),
    "hibari": ("us", "gb"),
}
SHARES = {"espeak": 0.25, "rhvoice": 0.2, "festival": 0.2, "kokoro": 0.13, "piper": 0.12, "hibari": 0.1}

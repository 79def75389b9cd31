"""The evaluation's figures from its records, as a Markdown table and as JSON."""

from collections.abc import Iterable

import numpy as np

from nano.evaluation.plan import MAIN_QUALITY
from nano.evaluation.sessions import CONDITIONS

FAMILIES = ("espeak", "rhvoice", "flite", "pico", "human")
TRAINED, UNTRAINED = ("espeak", "rhvoice"), ("flite", "pico")


def share(values: Iterable[bool]) -> tuple[float | None, int]:
    """The share of what is true, and of how many."""
    values = list(values)
    return (float(np.mean(values)) if values else None), len(values)


def percent(values: Iterable[bool]) -> str:
    """The same for people."""
    value, count = share(values)
    return "–" if value is None else f"{100 * value:.1f} % of {count}"


def _seconds(values: list[float], at: float) -> str:
    return f"{np.quantile(values, at):.2f} s" if values else "–"


class Report:
    """Figures and bars. `records`: part → records, as the tasks give them."""

    def __init__(self, records: dict[str, list[dict]]):
        self.records = records
        self.turns = records.get("turns", [])
        self._qualities = list(dict.fromkeys(turn["quality"] for turn in self.turns))
        self.main = MAIN_QUALITY if MAIN_QUALITY in self._qualities else next(iter(self._qualities), MAIN_QUALITY)
        heard = [{self._clip(turn) for turn in self.select(quality, known=None)} for quality in self._qualities]
        self._everywhere = set.intersection(*heard) if heard else set()

    def select(self, quality: str | None = None, condition: str = "clean", families: tuple[str, ...] = FAMILIES, known: bool | None = True) -> list[dict]:
        """Turns of the main quality (or another), of this condition and these families; known phrases, unknown ones, or both."""
        return [
            turn for turn in self.turns
            if turn["quality"] == (quality or self.main) and turn["condition"] == condition and turn["family"] in families
            and (known is None or (turn["phrase"] >= 0) == known)
        ]  # fmt: skip

    @staticmethod
    def _clip(turn: dict) -> tuple[str, str, str]:
        return turn["family"], turn["voice"], turn["asked"]

    @staticmethod
    def spoken(turns: list[dict]) -> list[bool]:
        """For each turn in which nano said something: did the recogniser hear just that?"""
        return [turn["heard"] == turn["text"] for turn in turns if turn["text"]]

    def bars(self) -> list[tuple[str, float | None, int, str, bool | None]]:
        """What must be reached: name, figure, of how many, the bar in words, and whether it is."""
        synthetic = TRAINED + UNTRAINED
        clean = self.select(families=synthetic, known=None)
        rows = []

        def at_least(name: str, value: float | None, count: int, bar: float) -> None:
            rows.append((name, value, count, f"≥ {bar:g}", None if value is None else value >= bar))

        def at_most(name: str, value: float | None, count: int, bar: float) -> None:
            rows.append((name, value, count, f"≤ {bar:g}", None if value is None else value <= bar))

        def rate(name: str, values: Iterable[bool], bar: float) -> None:
            at_least(name, *share(values), bar)

        rate("text right, held-out voices of synthesisers in training", (t["right"] for t in self.select(families=TRAINED)), 0.97)
        rate("text right, synthesisers not in training", (t["right"] for t in self.select(families=UNTRAINED)), 0.85)
        rate("unknown words: asked again or silent", (t["right"] for t in self.select(families=synthetic, known=False)), 0.8)
        rate("speech: the recogniser hears what the text says", self.spoken(clean), 0.95)
        delays = [t["sound_delay_s"] for t in clean if t["text"] and t["sound_delay_s"] is not None]
        at_most("delay from a word's end to the voice, 95th percentile, s", float(np.quantile(delays, 0.95)) if delays else None, len(delays), 1.0)
        quiet = self.records.get("quiet", [])
        minutes = sum(q["length_s"] for q in quiet) / 60
        unasked = sum(q["unasked"] for q in quiet) if quiet else None
        at_most(f"unasked replies in {minutes:.0f} minutes of silence, noise and music", unasked, len(quiet), 3 * max(minutes, 10) / 30)
        over = self.records.get("barge-in", [])
        rate("talked over: silent within 0.5 s", (b["stopped"] for b in over), 1.0)
        rate("talked over: the second word answered", (b["answered"] for b in over), 0.9)
        echo = self.records.get("echo", [])
        at_most("replies to its own echo at −20 dB", sum(e["extra"] for e in echo) if echo else None, sum(e["turns"] for e in echo), 0)
        codec = self.records.get("codec", [])
        ratio = None
        if any(c["original"] for c in codec):
            ratio = sum(c["coded"] for c in codec) / sum(c["original"] for c in codec)
        at_least("codec: words recognised after coding, relative to before", ratio, len(codec), 0.75)
        return rows

    def figures(self) -> dict:
        """Everything, for programs."""
        return {
            "bars": [
                {"name": name, "value": value, "count": count, "bar": bar, "reached": reached}
                for name, value, count, bar, reached in self.bars()
            ],
            "records": self.records,
        }

    def markdown(self) -> str:
        """Everything, for people."""
        lines = ["| what | figure | of | bar | |", "|---|---|---|---|---|"]
        for name, value, count, bar, reached in self.bars():
            shown = "–" if value is None else f"{value:.3g}"
            lines.append(f"| {name} | {shown} | {count} | {bar} | {'' if reached is None else '✓' if reached else '✗'} |")

        lines += ["", f"Right answers in text, {self.main}:", "", "| voices | " + " | ".join(CONDITIONS) + " | unknown, clean |"]
        lines.append("|---|" + "---|" * (len(CONDITIONS) + 1))
        for family in FAMILIES:
            cells = [percent(t["right"] for t in self.select(condition=c, families=(family,))) for c in CONDITIONS]
            unknown = percent(t["right"] for t in self.select(families=(family,), known=False))
            lines.append(f"| {family} | {' | '.join(cells)} | {unknown} |")

        lines += ["", "By quality, clean, those clips that every quality heard:", "", "| quality | text right | heard right | speech = text | unknown | delay text, voice (median) |", "|---|---|---|---|---|---|"]
        for quality in sorted(self._qualities):
            both = [turn for turn in self.select(quality, known=None) if self._clip(turn) in self._everywhere]
            known, unknown = ([turn for turn in both if (turn["phrase"] >= 0) == which] for which in (True, False))
            delays = [[t[key] for t in known if t["text"] and t[key] is not None] for key in ("text_delay_s", "sound_delay_s")]
            lines.append(
                f"| {quality} | {percent(t['right'] for t in known)} | {percent(t['heard_right'] for t in known)}"
                f" | {percent(self.spoken(both))} | {percent(t['right'] for t in unknown)}"
                f" | {_seconds(delays[0], 0.5)}, {_seconds(delays[1], 0.5)} |"
            )

        lines += ["", "Other:", ""]
        lines.append(f"- greeting said: {percent(t['greeted'] for t in self._sessions())} sessions")
        for kind in ("silence", "noise", "music"):
            chosen = [q for q in self.records.get("quiet", []) if q["kind"] == kind]
            said = [text for q in chosen for text in q["said"]]
            lines.append(f"- unasked in {sum(q['length_s'] for q in chosen) / 60:.0f} minutes of {kind}: {sum(q['unasked'] for q in chosen)} {said or ''}")
        for name in dict.fromkeys(e["echo"] for e in self.records.get("echo", [])):
            chosen = [e for e in self.records["echo"] if e["echo"] == name]
            extra, right, alone, turns = (sum(e[key] for e in chosen) for key in ("extra", "right", "right_alone", "turns"))
            lines.append(f"- echo {name}: {extra} replies to it; right answers {right} of {turns}, without echo {alone}")
        over = self.records.get("barge-in", [])
        for moment_s in sorted({b["moment_s"] for b in over}):
            chosen = [b for b in over if b["moment_s"] == moment_s]
            lines.append(f"- talked over {moment_s} s into a reply: silent {percent(b['stopped'] for b in chosen)}, answered {percent(b['answered'] for b in chosen)}")
        codec = self.records.get("codec", [])
        for family in FAMILIES:
            if chosen := [c for c in codec if c["family"] == family]:
                lines.append(f"- codec, {family}: recognised before {percent(c['original'] for c in chosen)}, after {percent(c['coded'] for c in chosen)}")
        if hour := self.records.get("hour", []):
            first, last = ([t["right"] for t in hour if t["last"] == which] for which in (False, True))
            lines.append(f"- an hour's talk: right in the first ten minutes {percent(first)}, in the last {percent(last)}")
        return "\n".join(line.rstrip() for line in lines) + "\n"

    def _sessions(self) -> list[dict]:
        # Records of one session stand together and begin with its first turn, which comes right after the greeting.
        return [turn for turn in self.turns if turn["onset_s"] < 4.5] + self.records.get("quiet", [])

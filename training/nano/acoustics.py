"""Rooms, microphones and noises for training, made in batches on the device that trains.

All waveforms are [batch, samples] floats at 24 kHz. The test's rooms and noises come from other code (`evaluation`).
"""

import math

import numpy as np
import torch

from .architecture import SAMPLE_RATE

ROOM_SAMPLES = SAMPLE_RATE // 2


class Acoustics:
    """Draws rooms, responses and noises from one seeded generator."""

    def __init__(self, device: str, seed: int):
        self.device = device
        self.generator = torch.Generator(device=device).manual_seed(seed)
        self.counts = np.random.default_rng(seed)  # how many and which rows: known without waiting for the device

    def uniform(self, low: float, high: float, *shape: int) -> torch.Tensor:
        return low + (high - low) * torch.rand(*shape, generator=self.generator, device=self.device)

    def normal(self, *shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=self.generator, device=self.device)

    def chance(self, probability: float, *shape: int) -> torch.Tensor:
        return (torch.rand(*shape, generator=self.generator, device=self.device) < probability).float()

    def some_rows(self, batch: int, share: float) -> torch.Tensor:
        """Numbers of rows, each drawn with probability `share`."""
        return torch.as_tensor(np.flatnonzero(self.counts.random(batch) < share), device=self.device)

    def other_throats(self, dry: torch.Tensor, reach: float = 0.18, share: float = 0.7) -> torch.Tensor:
        """Moves the formants of some rows by up to `reach` with the pitch as it was: together with bent speed, new speakers.

        The spectral envelope (the first cepstral coefficients of each window) is stretched along frequency, the fine structure
        kept; phases stay. As in vocal tract length perturbation (Jaitly and Hinton, 2013), but on the waveform.
        """
        batch, samples = dry.shape
        window, lifter = 1024, 40
        hann = torch.hann_window(window, device=self.device)
        spectrum = torch.stft(dry, window, window // 4, window=hann, return_complex=True)
        log_size = (spectrum.abs() + 1e-5).log()
        cepstrum = torch.fft.irfft(log_size, dim=1)
        cepstrum[:, lifter : window - lifter] = 0
        envelope = torch.fft.rfft(cepstrum, dim=1).real
        factor = 1 + self.uniform(-reach, reach, batch, 1) * self.chance(share, batch, 1)
        bins = window // 2 + 1
        source = (torch.arange(bins, device=self.device) / factor).clamp(max=bins - 1.001)
        left = source.long()
        part = (source - left)[:, :, None]
        index = left[:, :, None].expand(-1, -1, envelope.shape[2])
        moved = torch.gather(envelope, 1, index) * (1 - part) + torch.gather(envelope, 1, index + 1) * part
        change = (moved - envelope).clamp(-4, 2).exp()
        return torch.istft(spectrum * change, window, window // 4, window=hann, length=samples)

    def in_rooms(self, dry: torch.Tensor) -> torch.Tensor:
        """Each row in a room of its own (every second one in none), through a microphone of its own."""
        batch, samples = dry.shape
        size = 1 << (samples + ROOM_SAMPLES - 1).bit_length()
        spectrum = torch.fft.rfft(dry, size)
        spectrum = spectrum * torch.fft.rfft(self._rooms(batch), size) * self._microphones(batch, spectrum.shape[1])
        return torch.fft.irfft(spectrum, size)[:, :samples]

    def _rooms(self, batch: int) -> torch.Tensor:
        """Impulse responses: the direct sound, a few early reflections, and a tail of noise that dies away."""
        time = torch.arange(ROOM_SAMPLES, device=self.device) / SAMPLE_RATE
        decay_s = self.uniform(0.08, 0.8, batch, 1)  # RT60
        tail = self.normal(batch, ROOM_SAMPLES) * 10 ** (-3 * time / decay_s)
        delay_s = self.uniform(0.001, 0.012, batch, 1)
        tail = tail * (time > delay_s)
        reflections = (self.uniform(0, 1, batch, ROOM_SAMPLES) < 8 / (0.03 * SAMPLE_RATE)) & (time < 0.03) & (time > delay_s)
        tail = tail + reflections * self.normal(batch, ROOM_SAMPLES) * 3 * tail.abs().amax(1, keepdim=True) * 0.3
        # Direct sound over reverberation, in dB of energy.
        ratio = 10 ** (self.uniform(-6, 18, batch, 1) / 20)
        tail = tail / (tail.norm(dim=1, keepdim=True) * ratio + 1e-9) * self.chance(0.5, batch, 1)
        tail[:, 0] = 1.0
        return tail

    def _microphones(self, batch: int, bins: int) -> torch.Tensor:
        """Magnitude responses: a smooth curve of up to ±8 dB; sometimes a telephone's or a cheap microphone's band."""
        points = 10
        curve = self.normal(batch, 1, points) * self.uniform(0, 4, batch, 1, 1)
        hertz = torch.linspace(0, SAMPLE_RATE / 2, bins, device=self.device)
        place = (hertz.clamp(min=60).log2() - math.log2(60)) / (math.log2(12_000) - math.log2(60))
        knots = place * (points - 1)
        left = knots.floor().clamp(max=points - 2).long()
        part = knots - left
        decibels = curve[:, 0, left] * (1 - part) + curve[:, 0, left + 1] * part
        low = torch.where(self.chance(0.25, batch, 1) > 0, self.uniform(80, 350, batch, 1), torch.zeros(batch, 1, device=self.device))
        high = torch.where(self.chance(0.3, batch, 1) > 0, self.uniform(3200, 9000, batch, 1), torch.full((batch, 1), 1e5, device=self.device))
        band = torch.sigmoid((hertz - low) / 30) * torch.sigmoid((high - hertz) / 120)
        return 10 ** (decibels.clamp(-8, 8) / 20) * band.clamp(min=0.003)

    def noise(self, batch: int, samples: int, speech: torch.Tensor | None = None) -> torch.Tensor:
        """Noise of RMS 1 per row: hiss of any colour, hum, music, and talk in the background where `speech` is given.

        `speech`: [clips, longest] to make a crowd of.
        """
        size = 1 << (samples - 1).bit_length()
        hertz = torch.linspace(0, SAMPLE_RATE / 2, size // 2 + 1, device=self.device).clamp(min=20)
        colour = (hertz / 1000) ** self.uniform(-1.3, 0.3, batch, 1)
        hiss = torch.fft.irfft(torch.fft.rfft(self.normal(batch, size)) * colour, size)[:, :samples]
        mix = _unit(hiss) * self.uniform(0.05, 1, batch, 1)
        mix = mix + _unit(self._hum(batch, samples)) * self.chance(0.25, batch, 1) * self.uniform(0.3, 3, batch, 1)
        rows = self.some_rows(batch, 0.25)
        if len(rows):
            mix[rows] += _unit(self._music(len(rows), samples)) * self.uniform(0.5, 6, len(rows), 1)
        if speech is not None:
            rows = self.some_rows(batch, 0.25)
            if len(rows):
                mix[rows] += _unit(self._crowd(len(rows), samples, speech)) * self.uniform(0.5, 6, len(rows), 1)
        # Noise that comes and goes: half of the rows swell.
        beat = self.uniform(0.1, 3, batch, 1) * torch.arange(samples, device=self.device) / SAMPLE_RATE + self.uniform(0, 1, batch, 1)
        swell = 1 + self.chance(0.4, batch, 1) * self.uniform(0, 0.9, batch, 1) * torch.sin(2 * math.pi * beat)
        return _unit(mix * swell)

    def _hum(self, batch: int, samples: int) -> torch.Tensor:
        time = torch.arange(samples, device=self.device) / SAMPLE_RATE
        base = self.uniform(40, 240, batch, 1)
        hum = torch.zeros(batch, samples, device=self.device)
        for harmonic in range(1, 7):
            hum += self.uniform(0, 1, batch, 1) / harmonic * torch.sin(2 * math.pi * base * harmonic * time + self.uniform(0, 6, batch, 1))
        return hum

    def _music(self, batch: int, samples: int, voices: int = 3) -> torch.Tensor:
        """Notes of random scales: each voice changes its pitch at a beat of its own, with harmonics and an attack."""
        time = torch.arange(samples, device=self.device) / SAMPLE_RATE
        music = torch.zeros(batch, samples, device=self.device)
        for _ in range(voices):
            length_s = self.uniform(0.12, 0.9, batch, 1)
            beat = time / length_s
            number = beat.long().clamp(max=255)
            steps = torch.randint(0, 25, (batch, 256), generator=self.generator, device=self.device)
            pitch = 110 * 2 ** (self.uniform(0, 2, batch, 1) + torch.gather(steps, 1, number) / 12)
            within = (beat - number) * length_s
            envelope = (within / self.uniform(0.002, 0.06, batch, 1)).clamp(max=1) * torch.exp(-within * self.uniform(0.5, 9, batch, 1))
            phase = 2 * math.pi * pitch * within
            for harmonic in range(1, 6):
                music += envelope * self.uniform(0, 1, batch, 1) / harmonic * torch.sin(phase * harmonic)
        return music

    def _crowd(self, batch: int, samples: int, speech: torch.Tensor) -> torch.Tensor:
        """Several people at once, each saying clip after clip; from one talker behind to an unintelligible crowd."""
        crowd = torch.zeros(batch, samples, device=self.device)
        longest = speech.shape[1]
        pieces = -(-samples // longest) + 1
        talkers = 6
        present = self.uniform(1, talkers + 1, batch, 1).floor()
        for talker in range(talkers):
            rows = torch.randint(0, speech.shape[0], (batch, pieces), generator=self.generator, device=self.device)
            line = speech[rows].reshape(batch, -1).float()
            shift = int(self.counts.integers(longest))
            crowd += line[:, shift : shift + samples] * (present > talker) * self.uniform(0.3, 1, batch, 1)
        return crowd


def _unit(wave: torch.Tensor) -> torch.Tensor:
    return wave / (wave.square().mean(1, keepdim=True).sqrt() + 1e-6)

"""Rooms for the evaluation: shoebox impulse responses by the image-source method.

Source: J. B. Allen and D. A. Berkley, Image method for efficiently simulating small-room acoustics, JASA 65 (1979). Written
for the evaluation alone; training has its own rooms.
"""

from dataclasses import dataclass

import numpy as np
from scipy.signal import butter, fftconvolve, sosfilt

RATE_HZ = 24_000
SPEED_OF_SOUND = 343.0  # m/s


@dataclass(frozen=True)
class Room:
    """A shoebox with a talker and a microphone. Lengths in metres; `rt60_s`: time in which sound decays by 60 dB."""

    name: str
    size: tuple[float, float, float]
    rt60_s: float
    talker: tuple[float, float, float]
    microphone: tuple[float, float, float]


ROOMS: tuple[Room, ...] = (
    Room("booth", (1.9, 1.6, 2.2), 0.12, (0.8, 0.7, 1.4), (1.2, 0.9, 1.1)),
    Room("bedroom", (3.6, 3.1, 2.4), 0.28, (1.1, 1.3, 1.3), (1.7, 1.8, 1.0)),
    Room("study", (4.3, 2.9, 2.6), 0.38, (2.0, 1.1, 1.2), (2.6, 1.4, 0.8)),
    Room("kitchen", (4.9, 3.7, 2.5), 0.5, (1.4, 2.6, 1.5), (2.9, 1.7, 1.0)),
    Room("meeting room", (7.1, 5.3, 2.9), 0.6, (2.2, 2.0, 1.3), (4.1, 3.1, 0.8)),
    Room("hall", (11.3, 7.9, 4.1), 0.8, (4.6, 3.9, 1.5), (5.9, 4.7, 1.1)),
)


def reflection(room: Room) -> float:
    """How much of the pressure a wall gives back so that sound decays in `rt60_s` (Eyring)."""
    x, y, z = room.size
    surface, volume = 2 * (x * y + y * z + x * z), x * y * z
    absorption = 1 - np.exp(-0.161 * volume / (surface * room.rt60_s))
    return float(np.sqrt(1 - absorption))


def impulse_response(room: Room) -> np.ndarray:
    """What the microphone gets of a click at the talker, direct sound first.

    **Shapes** [T] at 24 kHz, T is the time in which sound decays by 60 dB. The direct sound is at sample 0 with a gain
    of 1, so that levels and onsets mean the same with and without a room.
    """
    reach = SPEED_OF_SOUND * room.rt60_s
    wall = reflection(room)
    axes = []
    for length, source, ear in zip(room.size, room.talker, room.microphone):
        cells = np.arange(-int(reach / (2 * length)) - 1, int(reach / (2 * length)) + 2)
        # Mirrored an even number of times the source is on its own side, an odd number of times on the other.
        even = (2 * cells * length + source - ear, np.abs(2 * cells))
        odd = (2 * cells * length - source - ear, np.abs(2 * cells - 1))
        axes.append((np.concatenate([even[0], odd[0]]), np.concatenate([even[1], odd[1]])))
    (x, bounces_x), (y, bounces_y), (z, bounces_z) = axes
    distance = np.sqrt(x[:, None, None] ** 2 + y[None, :, None] ** 2 + z[None, None, :] ** 2).ravel()
    bounces = (bounces_x[:, None, None] + bounces_y[None, :, None] + bounces_z[None, None, :]).ravel()
    near = distance < reach
    distance, bounces = distance[near], bounces[near]
    direct = distance.min()
    gains = direct / distance * wall**bounces
    # Between two samples the click is shared among them.
    position = (distance - direct) / SPEED_OF_SOUND * RATE_HZ
    left = position.astype(int)
    response = np.zeros(left.max() + 2)
    np.add.at(response, left, gains * (1 - (position - left)))
    np.add.at(response, left + 1, gains * (position - left))
    # All images are positive, which no real room is: the constant part goes, but the direct sound stays as it was.
    tail = sosfilt(butter(2, 60, "highpass", fs=RATE_HZ, output="sos"), np.concatenate([[0.0], response[1:]]))
    tail[0] += response[0]
    return tail / response[0]


def in_room(speech: np.ndarray, response: np.ndarray) -> np.ndarray:
    """Speech [T] as the microphone hears it in a room with this impulse response; [T + response - 1]."""
    return fftconvolve(speech, response).astype(np.float32)


def decay_s(response: np.ndarray) -> float:
    """The time in which a room's sound decays by 60 dB, from the slope between −5 and −25 dB (Schroeder's integral)."""
    energy = np.cumsum(response[::-1] ** 2)[::-1]
    level_db = 10 * np.log10(energy / energy[0] + 1e-12)
    first, last = np.argmax(level_db < -5), np.argmax(level_db < -25)
    return 3 * (last - first) / RATE_HZ

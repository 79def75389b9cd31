#!/bin/bash
# Makes a Debian 13 tree with the speech synthesisers in training/work/debian (400 MB, a few minutes, needs root for chroot).
# To use one that exists: NANO_SPEECH_TOOLS=/path/to/tree. RHVoice and Pico are in Debian's non-free section: RHVoice
# because its voices can't be retrained there (bdl and clb: GPL 2 or later, slt: CMU's licence), Pico for lack of its data's sources (Apache 2).
set -euo pipefail

tree=$(cd "$(dirname "$0")" && pwd)/work/debian
packages=espeak-ng,festival,festvox-kallpc16k,festvox-kdlpc16k,festvox-us-slt-hts,flite,libttspico-utils,rhvoice,rhvoice-english

[[ $(id -u) == 0 ]] || { echo "speech-tools.sh: run as root, chroot needs it" >&2; exit 1; }
command -v debootstrap > /dev/null || { echo "speech-tools.sh: install debootstrap first" >&2; exit 1; }
[[ -x $tree/usr/bin/espeak-ng && -x $tree/usr/bin/pico2wave && -d $tree/usr/share/festival/voices/english/ked_diphone ]] &&
    { echo "$tree: already there"; exit; }
[[ ! -e $tree ]] || { echo "speech-tools.sh: $tree lacks some of the voices: remove it, and run this again" >&2; exit 1; }

mkdir -p "$tree"
debootstrap --variant=minbase --components=main,non-free --include="$packages" trixie "$tree" \
    "${DEBIAN_MIRROR:-http://deb.debian.org/debian}"
chroot "$tree" apt-get clean
echo "$tree: ready"

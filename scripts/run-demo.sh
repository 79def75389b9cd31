#!/usr/bin/env bash
# Lets the built-in demo model hear a recording and shows what it answers: called by `make run`.
#
#   scripts/run-demo.sh [talk|green|blue|hello]
#
# `talk` is five phrases with time for answers, by a voice that the model was not trained on; the others are one word said right
# into the greeting. The answer goes to out/. Greedy, so that everybody gets the same one.
set -euo pipefail
cd "$(dirname "$0")/.."

word=${1:-talk}
program=target/release/moshibar question=assets/demo/$word.wav answer=out/demo-$word.wav
if [ ! -f "$question" ]; then
    echo "There is no $question: choose talk, green, blue or hello." >&2
    exit 2
fi
if [ ! -x "$program" ]; then
    echo "There is no $program: run \`make run\`, which builds it." >&2
    exit 2
fi
mkdir -p out

echo
case $word in
    talk) said='"hello", "how are you", "seven", "what can you do", "goodbye"' ;;
    *) said="\"$word\"" ;;
esac
echo "You say:    $said ($question), and Moshi hears it frame by frame."
echo "Moshi:"
"$program" talk "$question" --output "$answer" --greedy --tail 2.5
echo
case $(uname) in
    Darwin) echo "Listen:     afplay $answer" ;;
    *) echo "Listen:     aplay $answer    (or paplay, or any player)" ;;
esac

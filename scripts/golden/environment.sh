# Sourced by the scripts that run Kyutai's Python packages: a venv in the user's cache, made once per set of requirements.
#
# golden_environment sets GOLDEN_PYTHON, GOLDEN_CACHE and GOLDEN_HASH, and PYTHONPATH so that `python -m golden` works.
# GOLDEN_PYTHON may be set beforehand to use an interpreter that has the packages; PYTHON names the one that makes the venv.

golden_environment() {
  local pins=scripts/golden
  GOLDEN_CACHE=${MOSHIBAR_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/moshibar}
  if command -v sha256sum > /dev/null; then
    GOLDEN_HASH=$(cat "$pins/requirements.txt" "$pins/official.txt" | sha256sum | cut -c1-12)
  else
    GOLDEN_HASH=$(cat "$pins/requirements.txt" "$pins/official.txt" | shasum -a 256 | cut -c1-12)
  fi
  export PYTHONPATH=scripts PYTHONDONTWRITEBYTECODE=1 NO_TORCH_COMPILE=1 OMP_NUM_THREADS=1
  if [ -n "${GOLDEN_PYTHON:-}" ]; then
    return
  fi
  local venv=$GOLDEN_CACHE/golden-$GOLDEN_HASH
  GOLDEN_PYTHON=$venv/bin/python
  if [ -e "$venv/complete" ]; then
    return
  fi
  echo "making $venv: downloads Kyutai's Python packages and PyTorch, 2 to 6 GB" >&2
  rm -rf "$venv"
  mkdir -p "$GOLDEN_CACHE"
  "$(golden_base_python)" -m venv "$venv"
  "$GOLDEN_PYTHON" -m pip install --quiet --disable-pip-version-check -r "$pins/requirements.txt"
  "$GOLDEN_PYTHON" -m pip install --quiet --disable-pip-version-check --no-deps -r "$pins/official.txt"
  touch "$venv/complete"
}

# The Pythons for which all of the pinned packages have wheels.
golden_base_python() {
  local name
  for name in ${PYTHON:-python3.11 python3.12 python3.13 python3}; do
    if "$name" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2> /dev/null; then
      command -v "$name"
      return
    fi
  done
  echo "Python 3.11, 3.12 or 3.13 is needed; set PYTHON to one" >&2
  return 1
}

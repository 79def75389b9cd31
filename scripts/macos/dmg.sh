#!/usr/bin/env bash
# Builds what people get, on a Mac: Moshibar.app and Moshibar.dmg, by Tauri's bundler, into target/macos. `make dmg`.
#
# Signed with a Developer ID, notarised and stapled if these are set, as Tauri documents them
# (https://v2.tauri.app/distribute/sign/macos/): APPLE_SIGNING_IDENTITY or APPLE_CERTIFICATE and APPLE_CERTIFICATE_PASSWORD; and to
# notarise APPLE_ID, APPLE_PASSWORD and APPLE_TEAM_ID, or APPLE_API_ISSUER, APPLE_API_KEY and APPLE_API_KEY_PATH. Else ad hoc: macOS
# then asks people whether they trust it (README.md).
#
# Not run yet: written where there is no Mac.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../setup/cache.sh
. "$(dirname "${BASH_SOURCE[0]}")/../setup/cache.sh"
macos=$root/scripts/macos
target=aarch64-apple-darwin
[ "$os" = Darwin ] || stop "the .dmg that people get is built on a Mac. Here: make macos-bundle"
[ "${MOSHIBAR_MLX:-wheel}" = wheel ] || stop "the app ships MLX's own build: unset MOSHIBAR_MLX, then make setup"
cd "$root"

venv=$cache/macos-python-$({ python3 -V && cat "$macos/python.txt"; } | short_hash)
make_once "$venv" make_venv "$macos/python.txt"
mlx=$(folder_of "$here/mlx-metal.txt")
[ -e "$mlx/mlx/lib/libmlx.dylib" ] || stop "MLX is not there. Run: make setup"

for variable in "${!APPLE_@}"; do # a secret that CI does not have is an empty string
    [ -n "${!variable}" ] || unset "$variable"
done
if [ -n "${APPLE_SIGNING_IDENTITY:-}${APPLE_CERTIFICATE:-}" ]; then
    signed=developer-id identity=${APPLE_SIGNING_IDENTITY:-} entitlements=$root/entitlements.plist
else
    signed=ad-hoc identity=- entitlements=$macos/entitlements-ad-hoc.plist
    say "no certificate: signing ad hoc."
fi

# The app looks for MLX in itself and nowhere else, and no path of this machine stays in it.
remapped=("$root=/moshibar" "${CARGO_HOME:-$HOME/.cargo}=/cargo" "$cache=/cache")
flags=(-Clink-arg=-Wl,-rpath,@executable_path/../Frameworks "${remapped[@]/#/--remap-path-prefix=}")
CARGO_ENCODED_RUSTFLAGS=$(IFS=$'\x1f' && echo "${flags[*]}")
export CARGO_ENCODED_RUSTFLAGS MACOSX_DEPLOYMENT_TARGET=14.0
unset RUSTFLAGS

mkdir -p target/macos
"$venv/bin/python" - "$mlx/mlx/lib" "$identity" "$entitlements" >target/macos/tauri.json <<'PYTHON'
import json, sys
mlx, identity, entitlements = sys.argv[1:]
languages = {f"../assets/macos/{language}.lproj/InfoPlist.strings": f"{language}.lproj/InfoPlist.strings" for language in ("en", "fr", "ja")}
macos = {
    "minimumSystemVersion": "14.0",
    "hardenedRuntime": True,
    "entitlements": entitlements,
    "frameworks": [f"{mlx}/libmlx.dylib"],
    "dmg": {
        "background": "../assets/macos/background.png",
        "windowSize": {"width": 660, "height": 400},
        "appPosition": {"x": 180, "y": 190},
        "applicationFolderPosition": {"x": 480, "y": 190},
    },
} | ({"signingIdentity": identity} if identity else {})
bundle = {
    "active": True,
    "targets": ["app", "dmg"],
    "icon": ["../assets/icon/Moshibar.icns"],
    "resources": {f"{mlx}/mlx.metallib": "mlx.metallib"} | languages,
    "macOS": macos,
}
json.dump({"bundle": bundle}, sys.stdout)
PYTHON

scripts/ui.sh build
TAURI_APP_PATH=$root/src-tauri scripts/ui.sh with npx --yes "@tauri-apps/cli@2.12.5" build \
    --target "$target" --config "$root/target/macos/tauri.json" -- \
    --locked --profile dist # two words: Tauri looks for the first

built=target/$target/dist/bundle
rm -rf target/macos/Moshibar.app target/macos/Moshibar.dmg
cp -R "$built/macos/Moshibar.app" target/macos/
cp "$built"/dmg/*.dmg target/macos/Moshibar.dmg
"$venv/bin/python" "$macos/lint.py" bundle . target/macos/Moshibar.app $signed
codesign --verify --strict --deep target/macos/Moshibar.app
say "done in $SECONDS s: target/macos/Moshibar.dmg, signed ($signed)."

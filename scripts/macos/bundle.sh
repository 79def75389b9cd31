#!/usr/bin/env bash
# Builds on Linux what `make dmg` builds on a Mac: Moshibar.app and Moshibar.dmg, into target/macos. `make macos-bundle`.
#
# A proof that everything links and lies where it belongs, checked by lint.py; not what people get. It was linked against stubs, and
# signed by nobody.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=toolchain.sh
. "$(dirname "${BASH_SOURCE[0]}")/toolchain.sh"

missing=()
for tool in xorriso dmg2img; do have $tool || missing+=("$tool"); done
if [ ${#missing[@]} -gt 0 ]; then
    as_root=()
    [ "$(id -u)" = 0 ] || as_root=(sudo)
    say "installing these system packages with apt-get: ${missing[*]}"
    "${as_root[@]}" apt-get -qq update
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "${missing[@]}" >&2
fi
cargo_tool "${rcodesign[@]}"

say "compiling the app for $target."
scripts/ui.sh build
for_mac build --release --config 'profile.release.debug=false' --package moshibar-app

out=$root/target/macos
rm -rf "$out"
app=$out/volume/Moshibar.app
contents=$app/Contents
mkdir -p "$contents"/{MacOS,Frameworks,Resources}
install -m 755 "$CARGO_TARGET_DIR/$target/release/moshibar-app" "$contents/MacOS/"
install -m 755 "$mlx/mlx/lib/libmlx.dylib" "$contents/Frameworks/"
cp "$mlx/mlx/lib/mlx.metallib" assets/icon/Moshibar.icns "$contents/Resources/"
cp -R assets/macos/*.lproj "$contents/Resources/"
printf 'APPL????' >"$contents/PkgInfo"
# What Tauri's bundler adds on a Mac.
"$python" - "$contents/Info.plist" <<'PYTHON'
import json, plistlib, re, sys
info = plistlib.load(open("Info.plist", "rb"))
tauri = json.load(open("src-tauri/tauri.conf.json"))
version = re.search(r'^version = "(.+)"$', open("Cargo.toml").read(), re.MULTILINE).group(1)
info |= {
    "CFBundleDisplayName": tauri["productName"],
    "CFBundleExecutable": "moshibar-app",
    "CFBundleIconFile": "Moshibar.icns",
    "CFBundleIdentifier": tauri["identifier"],
    "CFBundleInfoDictionaryVersion": "6.0",
    "CFBundleName": tauri["productName"],
    "CFBundlePackageType": "APPL",
    "CFBundleShortVersionString": version,
    "CFBundleVersion": version,
}
plistlib.dump(info, open(sys.argv[1], "wb"))
PYTHON

say "signing it ad hoc, with the hardened runtime."
rcodesign sign --code-signature-flags runtime --code-signature-flags Contents/Frameworks/libmlx.dylib:runtime \
    --entitlements-xml-path "$macos/entitlements-ad-hoc.plist" "$app" 2>"$out/rcodesign.log" || {
    cat "$out/rcodesign.log" >&2
    stop "rcodesign cannot sign the app."
}
"$python" "$macos/lint.py" bundle . "$app" ad-hoc

say "making the disk image."
ln -s /Applications "$out/volume/Applications"
mkdir "$out/volume/.background"
cp assets/macos/background.png "$out/volume/.background/"
"$python" "$macos/finder_view.py" "$out/volume/.DS_Store"
xorriso -as mkisofs -quiet -hfsplus -V Moshibar -r -o "$out/raw.img" "$out/volume"
"$python" "$macos/disk_image.py" "$out/raw.img" "$out/Moshibar.dmg"

# Read back by another program: bit by bit the same disk, with the app, the link and the signature that we meant.
dmg2img -s "$out/Moshibar.dmg" "$out/read-back.img" >/dev/null
cmp "$out/raw.img" "$out/read-back.img" || stop "dmg2img reads another disk than was written."
mkdir "$out/read-back"
xorriso -osirrox on -indev "$out/read-back.img" -extract / "$out/read-back" 2>/dev/null
[ "$(readlink "$out/read-back/Applications")" = /Applications ] || stop "the volume has no link to /Applications."
diff -r --no-dereference "$out/volume" "$out/read-back" || stop "the volume does not hold what was put into it."
rcodesign print-signature-info "$out/read-back/Moshibar.app/Contents/MacOS/moshibar-app" >"$out/signature.yaml"
grep -q com.apple.security.device.audio-input "$out/signature.yaml" || stop "the signature lacks the entitlements."
chmod -R u+w "$out/read-back"
rm -r "$out/read-back" "$out/read-back.img" "$out/raw.img"
say "done in $SECONDS s: target/macos/Moshibar.dmg, $(stat -c %s "$out/Moshibar.dmg") bytes. A proof of link and layout; not to be shipped."

#!/usr/bin/env bash
# Shows that the lint of the bundle fails when it must: plants one fault after the other in a copy of the app that `make macos-bundle`
# built. The last part of `make macos-faults`, some seconds.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=toolchain.sh
. "$(dirname "${BASH_SOURCE[0]}")/toolchain.sh"
# shellcheck source-path=SCRIPTDIR source=../planted.sh
. "$root/scripts/planted.sh"
cargo_tool "${rcodesign[@]}"

built=$root/target/macos/volume/Moshibar.app
[ -d "$built" ] || stop "there is no app to plant faults in. To make it: make macos-bundle"
copy=$root/target/macos/faults/Moshibar.app
log=$root/target/macos/faults.log

fresh_app() {
    rm -rf "${copy%/*}"
    mkdir -p "${copy%/*}"
    cp -a "$built" "$copy"
}

sign() { # sign <arguments of rcodesign...>
    rcodesign sign "$@" "$copy" >"$log" 2>&1 || stop "rcodesign cannot sign the copy: see $log"
}

check_copy() { "$python" "$macos/lint.py" bundle "$root" "$copy" ad-hoc; }

fresh_app
must_pass "the lint of the bundle" check_copy

printf 'x' >>"$copy/Contents/Resources/mlx.metallib"
must_fail "other Metal kernels" 'mlx.metallib is not that of' check_copy

fresh_app
cp "$copy/Contents/Frameworks/libmlx.dylib" "$copy/Contents/Resources/libsecond.dylib"
must_fail "code that nobody asked for" 'libsecond.dylib is code that nobody asked for' check_copy

fresh_app
rm "$copy/Contents/Resources/ja.lproj/InfoPlist.strings"
must_fail "a language that cannot ask for the microphone" 'ja.lproj/InfoPlist.strings: no NSMicrophoneUsageDescription' check_copy

fresh_app
sed -i 's|<string>14.0</string>|<string>13.0</string>|' "$copy/Contents/Info.plist"
must_fail "an older macOS promised than linked for" "LSMinimumSystemVersion is '13.0'" check_copy

fresh_app
printf '%s' "$HOME/" >>"$copy/Contents/MacOS/moshibar-app"
must_fail "a folder of the builder in the executable" 'a folder of the machine that built it' check_copy

fresh_app
sed 's|<dict>|<dict><key>com.apple.security.network.server</key><true/>|' "$macos/entitlements-ad-hoc.plist" >"${copy%/*}/more.plist"
sign --code-signature-flags runtime --code-signature-flags Contents/Frameworks/libmlx.dylib:runtime --entitlements-xml-path "${copy%/*}/more.plist"
must_fail "one entitlement too many" 'is granted .*network.server' check_copy

fresh_app
cp "$CARGO_TARGET_DIR/$target/release/moshibar-app" "$copy/Contents/MacOS/" # rcodesign keeps the flags of a signature that is there
sign --entitlements-xml-path "$macos/entitlements-ad-hoc.plist"
must_fail "a signature without the hardened runtime" 'without the hardened runtime' check_copy

rm -rf "${copy%/*}" "$log"
say "every fault in the bundle was noticed."

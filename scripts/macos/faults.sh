#!/usr/bin/env bash
# Shows that `make macos-check` fails when it must: plants one fault after the other in a copy of the repository and runs it there.
# The first part of `make macos-faults`, six minutes.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=toolchain.sh
. "$(dirname "${BASH_SOURCE[0]}")/toolchain.sh"
# shellcheck source-path=SCRIPTDIR source=../planted.sh
. "$root/scripts/planted.sh"

copy=$CARGO_TARGET_DIR/faults
log=$copy.log

build_script() { # build_script <flags of the linker...>
    local flag
    for flag; do sed -i "s|^fn main() .*|&\n    println!(\"cargo::rustc-link-arg-bins=$flag\");|" "$copy/src-tauri/build.rs"; done
}

check_copy() { "$copy/scripts/macos/check.sh"; }

fresh_copy src-tauri
must_pass "make macos-check" check_copy
say "$SECONDS s. Passes without a fault."

append src-tauri/src/system/macos.rs <<<'pub(super) const PLANTED: u32 = "not a number";'
must_fail "a type error in code for macOS alone" 'mismatched types' check_copy

fresh_copy src-tauri
append src-tauri/src/system/macos/memory.rs <<'RUST'

#[link(name = "AVFAudio", kind = "framework")]
unsafe extern "C" {
    fn AVAudioPlantedFunction();
}

#[unsafe(no_mangle)]
extern "C" fn planted() {
    // SAFETY: it does not exist, and nobody calls this.
    unsafe { AVAudioPlantedFunction() }
}

#[used]
static PLANTED: extern "C" fn() = planted;
RUST
must_fail "a function that its framework does not have" 'undefined symbol: _AVAudioPlantedFunction' check_copy

fresh_copy src-tauri
build_script 15.0 15.0 macos -platform_version # they come out in reverse
must_fail "a newer macOS than promised" 'moshibar-app needs macOS 15.0' check_copy

fresh_copy src-tauri
sed "s|/usr/lib/libiconv.2.dylib|@rpath/libsecond.dylib|" "$sdk/usr/lib/libiconv.tbd" >"$copy/libsecond.tbd"
build_script "$copy/libsecond.tbd"
must_fail "a second library beside MLX's" 'moshibar-app needs @rpath/libsecond.dylib' check_copy

fresh_copy src-tauri
python3 - "$copy/Info.plist" <<'PYTHON'
import plistlib, sys
info = plistlib.load(open(sys.argv[1], "rb"))
del info["NSMicrophoneUsageDescription"]
plistlib.dump(info, open(sys.argv[1], "wb"))
PYTHON
must_fail "a key that is missing in Info.plist" 'NSMicrophoneUsageDescription is missing' check_copy

say "done in $SECONDS s: every fault was noticed."

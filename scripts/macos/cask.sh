#!/usr/bin/env bash
# Prints the Homebrew cask of a release: scripts/macos/cask.sh VERSION IMAGE.dmg OWNER/REPOSITORY
set -euo pipefail
version=$1 image=$2 repository=$3
if command -v sha256sum >/dev/null; then sha256=(sha256sum); else sha256=(shasum -a 256); fi
hash=$("${sha256[@]}" "$image" | cut -d' ' -f1)
cat <<RUBY
cask "moshibar" do
  version "$version"
  sha256 "$hash"

  url "https://github.com/$repository/releases/download/v#{version}/Moshibar-#{version}.dmg"
  name "Moshibar"
  desc "Talk with the speech model Moshi from the menu bar, offline"
  homepage "https://github.com/$repository"

  depends_on arch: :arm64
  depends_on macos: ">= :sonoma"

  app "Moshibar.app"

  uninstall quit: "app.moshibar"

  zap trash: [
    "~/Library/Application Support/Moshibar",
    "~/Library/Application Support/app.moshibar",
    "~/Library/Caches/app.moshibar",
    "~/Library/Logs/app.moshibar",
    "~/Library/WebKit/app.moshibar",
  ]
end
RUBY

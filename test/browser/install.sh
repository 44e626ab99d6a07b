#!/usr/bin/env bash
# Installs Debian's Chromium for the tests of the page, if that can be done here; if not, prints why and continues: they are skipped.
set -euo pipefail
command -v chromium >/dev/null && exit 0
cannot() {
  echo "No Chromium for the tests of the page: $1" >&2
  exit 0
}
[ "$(id -u)" = 0 ] || cannot "only root installs it"
command -v apt-get >/dev/null || cannot "there is no apt-get"
log=$(mktemp)
install() { DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >"$log" 2>&1; }
install || { apt-get update -qq >"$log" 2>&1 && install; } || cannot "$(tail -1 "$log")"

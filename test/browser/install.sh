#!/usr/bin/env bash
# Installs Debian's Chromium for the tests of the page, and its shell, in which they take less time, if that can be done here; if not,
# prints why and continues: without Chromium they are skipped, without its shell they run in Chromium.
set -euo pipefail
command -v chromium >/dev/null && command -v chromium-headless-shell >/dev/null && exit 0
cannot() {
  command -v chromium >/dev/null || echo "No Chromium for the tests of the page: $1" >&2
  exit 0
}
[ "$(id -u)" = 0 ] || cannot "only root installs it"
command -v apt-get >/dev/null || cannot "there is no apt-get"
log=$(mktemp)
install() { DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium "$@" >"$log" 2>&1; }
# Both at once: the one needs the other's version. Where there is no shell, Chromium alone.
install chromium-headless-shell || { apt-get update -qq >"$log" 2>&1 && { install chromium-headless-shell || install; }; } ||
  cannot "$(tail -1 "$log")"

# shellcheck shell=bash
# What the steps of an export share.

# One step at a time: `exportfs -ra` ends every export whose file it does not find.
lock_exports() {
  exec 9> /run/scaleout-exports.lock
  flock -w 120 9 || fail "another step on this host still changes its exports, after two minutes"
}

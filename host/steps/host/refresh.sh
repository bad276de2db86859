# shellcheck shell=bash
# Prints where a host is not as the steps left it: `step<TAB>< or ><TAB>subject<TAB>state`, for what is now, and what was recorded. Comes after
# checks.sh and has-records.sh. Changes nothing.
for step in *; do
  [ -e "$step/outcome" ] || continue
  { diff <(set +eu; run_checks < "$step/checks" 2> /dev/null) "$step/outcome" || true; } | sed -n "s/^\([<>]\) /$step\t\1\t/p"
done

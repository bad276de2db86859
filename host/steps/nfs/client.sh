# shellcheck shell=bash
# Exports the directory to a client. A line that exportfs refuses never replaces one that works.
: "${kit:?}" "${file:?}"
# shellcheck source=host/steps/nfs/exports.sh
. "$kit/nfs/exports.sh"

lock_exports
before=$(cat "$file" 2> /dev/null || true)
put "$file"
if ! problems=$(exportfs -ra 2>&1) || [ -n "$problems" ]; then
  if [ -n "$before" ]; then printf '%s\n' "$before" > "$file"; else rm -f "$file"; fi
  exportfs -ra >&2 || true
  fail "logs.exportOptions: exportfs refuses the export: $problems"
fi

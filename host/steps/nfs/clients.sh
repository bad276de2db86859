# shellcheck shell=bash
# Exports the directory to its clients. Lines that exportfs refuses never replace ones that work. Clients that are on the list no more keep their access:
# it goes when the step of before is taken back, see clients.undo.sh.
: "${kit:?}" "${work:?}"
# shellcheck source=host/steps/nfs/exports.sh
. "$kit/nfs/exports.sh"

lock_exports
mapfile -t files < <(cut -f 5 "$work/files")
mkdir "$work/before"
for file in "${files[@]}"; do
  if [ -e "$file" ]; then cp "$file" "$work/before/"; fi
  put "$file"
done
if ! problems=$(exportfs -ra 2>&1) || [ -n "$problems" ]; then
  for file in "${files[@]}"; do
    if [ -e "$work/before/${file##*/}" ]; then cp "$work/before/${file##*/}" "$file"; else rm -f "$file"; fi
  done
  exportfs -ra >&2 || true
  fail "logs.exportOptions: exportfs refuses the export: $problems"
fi

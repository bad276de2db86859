# shellcheck shell=bash
# Prints the `address port` pairs that cannot be reached by TCP.
: "${seconds:?}"
declare -a targets+=()

# shellcheck disable=SC2016
reaches() { timeout "$seconds" bash -c ': < "/dev/tcp/$1/$2"' probe "$1" "$2" 2> /dev/null; }

for target in "${targets[@]}"; do
  # shellcheck disable=SC2086
  (reaches $target || echo "$target") &
done
wait

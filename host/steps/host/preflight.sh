# shellcheck shell=bash
# Prints what there is to know of a host before anything is done to it, `name value` lines. Changes nothing.
# shellcheck source=/dev/null
. /etc/os-release
: "${oldest_docker:?}"
declare -a modules+=()

# Debian testing and rolling distributions have no version.
echo "os $ID ${VERSION_ID-without a version}"
echo "architecture $(uname -m)"
echo "clock $(date +%s)"
echo "free $(df -k --output=avail /var/lib | tail -n 1)"
if command -v modprobe > /dev/null; then
  for module in "${modules[@]}"; do modprobe -n -q "$module" 2> /dev/null || echo "lacks $module"; done
fi
if [ -e /var/snap/docker ]; then echo "snap docker"; fi
docker=$(timeout 20 docker version -f '{{.Server.Version}}' 2> /dev/null || true)
if [ -n "$docker" ] && dpkg --compare-versions "$docker" lt "$oldest_docker"; then echo "docker $docker"; fi

# shellcheck shell=bash
# Mounts a volume, now and at every boot, and lets its file system take the whole of it. A blank one gets a file system; one that holds anything else is
# left alone.
: "${volume:?}" "${path:?}" "${label:?}"

disk_of_volume() {
  local link
  for link in /dev/disk/by-id/*"${volume/-/}"*; do
    case $link in
      *-part* | *'*'*) ;;
      *)
        disk=$(readlink -f "$link")
        return
        ;;
    esac
  done
  return 1
}

wait_for 120 disk_of_volume ||
  fail "aws.logVolumeGiB: no disk here is volume $volume after two minutes: is it attached, and is the instance type built on Nitro?"
found=$(blkid -p -o value -s TYPE -s PTTYPE "$disk" || true)
if [ -z "$found" ]; then
  mkfs.ext4 -q -L "$label" "$disk"
elif [ "$found" != ext4 ] || [ "$(blkid -p -o value -s LABEL "$disk")" != "$label" ]; then
  fail "volume $volume holds something ($found) that is not of this stack's logs: it is left as it is"
fi
mkdir -p "$path"
# nofail: a host whose volume is missing still boots, so that one can log in and look.
sed -i "\\,^LABEL=$label ,d" /etc/fstab
echo "LABEL=$label $path ext4 defaults,noatime,nofail,x-systemd.device-timeout=60 0 2" >> /etc/fstab
systemctl daemon-reload
mountpoint -q "$path" || mount "$path"
resize2fs "$disk" >&2
[ "$(findmnt -n -o SOURCE --target "$path" | xargs readlink -f)" = "$disk" ] || fail "$path is not on volume $volume"

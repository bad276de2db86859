# shellcheck shell=bash
# Mounts an export for a moment and writes to it, within a deadline: a service that mounts a dead export hangs for half an hour. Changes nothing.
: "${server:?}" "${path:?}" "${client:?}"
# The mount options of the volume.
options=${options-}

source=$server:$path
cannot() {
  echo "NFS export $source cannot be used from $client: $1" >&2
  exit 1
}

until timeout 5 bash -c ": < /dev/tcp/$server/2049" 2> /dev/null; do
  [ "$SECONDS" -lt 60 ] || cannot "no answer on port 2049: is the NFS server up, and the port open from here?"
  sleep 0.5
done
mountpoint=$(mktemp -d)
trap 'umount -l "$mountpoint" 2> /dev/null || true; rmdir "$mountpoint" 2> /dev/null || true' EXIT
# Of options that contradict one another the last one counts.
timeout 60 mount -t nfs -o "${options:+$options,}soft,timeo=100,retrans=2" "$source" "$mountpoint" ||
  cannot "mount failed: is this node among the export's clients, and does the server know these options: ${options:-none}?"
# Another service of the node may try it at the same time.
# shellcheck disable=SC2016
timeout 120 sh -c 'file=$(mktemp "$1.XXXXXX") && rm -f "$file"' sh "$mountpoint/.probe-$client" || cannot "it is mounted but cannot be written: check logs.access, uid and gid"

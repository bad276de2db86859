# shellcheck shell=bash
# Prints whether the NFS server runs, how full the disk of the logs is, and what is exported.
: "${path:?}"

systemctl is-active nfs-server || true
df --output=pcent "$path" | tail -1
exportfs -s

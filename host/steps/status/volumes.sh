# shellcheck shell=bash
# Prints the volumes of stacks. Docker waits for a volume's NFS server, without end.
if volumes=$(timeout 10 docker volume ls -q --filter label=scaleout.owner); then
  echo 'volumes'
  for volume in $volumes; do echo "volume $volume"; done
fi

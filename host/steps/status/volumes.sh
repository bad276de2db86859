# shellcheck shell=bash
# Prints the volumes of a service. Docker waits for a volume's NFS server, without end.
if volumes=$(timeout 10 docker volume ls -q --filter label=scaleout.owner --filter "label=scaleout.service=${service:?}"); then
  echo 'volumes'
  for volume in $volumes; do echo "volume $volume"; done
fi

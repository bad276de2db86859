# shellcheck shell=bash disable=SC2034,SC2064
# Docker's health check of a task, for busybox. Checks a new task again and again until it is healthy or an interval has passed, and one that was healthy
# once at the interval's end. That it was is noted in /dev/shm, which Docker makes new at each start; where that cannot be written to, every task is
# checked at the interval's end.
#
# Looks at all the container's own addresses at the same time; one that is healthy will do. Not at 127.0.0.1: nobody else reaches that.
# $0 busybox, $1 interval and $2 pause in seconds, $3 port, $4 limit in seconds, $5 the text of ask.sh, then its arguments.
set -f
IFS=$' \n'
busybox=$0 interval=$1 pause=$2 port=$3 seconds=$4 ask=$5
shift 5
now() {
  read -r uptime idle < /proc/uptime
  now=${uptime%.*}${uptime#*.}
}
stay() {
  # Docker waits for whoever holds its output.
  "$busybox" sleep "$1" > /dev/null 2>&1 &
  trap "kill $!; wait $!; exit 1" TERM
  wait $!
  trap - TERM
}
look() {
  now
  deadline=$(( now + seconds * 100 )) looks='' healthy=''
  for address in $addresses; do
    "$busybox" nc -w "$seconds" "$address" "$port" -e "$busybox" sh -c "$ask" "$address" "$deadline" "$seconds" "$@" &
    looks="$looks $!"
  done
  for look in $looks; do wait "$look" && healthy=1; done
  [ "$looks" ] || echo "this container has no address"
  [ "$healthy" ]
}
now
end=0 note=/dev/shm/.scaleout-health noted=''
[ -e "$note" ] && read -r noted < "$note"
if [ "$noted" != healthy ] && { echo new > "$note"; } 2> /dev/null; then
  end=$(( now + interval * 100 ))
else
  stay $(( interval - pause ))
fi
addresses=$("$busybox" ip -o -4 addr | while read -r number device family address rest; do
  case $address in 127.*) ;; *) echo "${address%/*}" ;; esac
done)
until said=$(look "$@" 2>&1); do
  now
  if [ "$now" -ge "$end" ]; then
    echo "$said" >&2
    exit 1
  fi
  stay "$pause"
done
[ "$end" = 0 ] || echo healthy > "$note"
exit 0

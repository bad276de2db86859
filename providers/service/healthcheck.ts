import { userAgent } from "../../lib/health.ts";
import { second } from "../../lib/swarm.ts";
import type { ServiceInputs } from "./resource.ts";

/** A static busybox of the node, mounted into the container: an image need not hold a tool, or a shell, for the health check. */
export const probeTool = "/.scaleout/busybox";

/** Docker kills a check at its own limit, which counts the start of the check's processes as well. */
const startSeconds = 5;

/** Between two checks of a new task, and the least that Docker waits. */
const pauseSeconds = 1;

/** In nanoseconds. Docker before 25 does not keep it. */
export const startInterval = pauseSeconds * second;

/**
 * Docker's health check. It decides when Swarm goes on to the next node, and what counts as a failed update. Pure.
 *
 * The command keeps the interval itself. Docker would check a new task after one interval at the earliest, and begin a process for each check,
 * which costs the host more than the check: a rollout would take the longer, the longer the interval. (Docker's own way out, a short `StartInterval`, is
 * there from Docker 25 on, and begins still more processes. From 27 on it is 5 s where nothing is said.)
 */
export function healthcheck({ health, publish }: Pick<ServiceInputs, "health" | "publish">): object {
	const { path, status, host, timeoutSeconds, intervalSeconds } = health;
	const words = [intervalSeconds, pauseSeconds, publish.target, timeoutSeconds, askScript, path, host, ...status].map(String);
	return {
		Test: ["CMD", probeTool, "sh", "-c", lookScript, probeTool, ...words],
		Interval: pauseSeconds * second,
		StartInterval: startInterval,
		Timeout: (intervalSeconds + pauseSeconds + timeoutSeconds + startSeconds) * second,
		Retries: health.retries,
		StartPeriod: health.deadlineSeconds * second,
	};
}

/*
 * The look that lib/health.ts defines, by busybox alone: no PATH, no file of the image, any user. What is asked for is handed
 * over as arguments, so nothing in it is interpreted. Some of busybox's tools do not do here:
 *
 * - wget follows redirects, takes any 2xx, obeys http_proxy, and crashes with a timeout where it is linked statically;
 * - timeout leaves a watcher behind, which becomes a child of the application, and where that one reaps no children, a zombie with each look;
 * - nc ends its side of the connection with its input, which some servers take for a client that has gone: so it runs the shell (-e).
 *
 * No process is left behind: each is waited for, and each ends by itself.
 */

/**
 * Checks a new task again and again until it is healthy or an interval has passed, and one that was healthy once at the interval's end. That it was is
 * noted in /dev/shm, which Docker makes new at each start; where that cannot be written to, every task is checked at the interval's end.
 *
 * Looks at all the container's own addresses at the same time; one that is healthy will do. Not at 127.0.0.1: nobody else reaches that.
 * $0 busybox, $1 interval and $2 pause in seconds, $3 port, $4 limit in seconds, $5 the script below, then its arguments.
 */
const lookScript = `
set -f
IFS=' \n'
busybox=$0 interval=$1 pause=$2 port=$3 seconds=$4 ask=$5
shift 5
now() {
  read -r uptime idle < /proc/uptime
  now=\${uptime%.*}\${uptime#*.}
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
  deadline=$(( now + seconds * 100 )) looks= healthy=
  for address in $addresses; do
    "$busybox" nc -w "$seconds" "$address" "$port" -e "$busybox" sh -c "$ask" "$address" "$deadline" "$seconds" "$@" &
    looks="$looks $!"
  done
  for look in $looks; do wait "$look" && healthy=1; done
  [ "$looks" ] || echo "this container has no address"
  [ "$healthy" ]
}
now
end=0 note=/dev/shm/.scaleout-health noted=
[ -e "$note" ] && read -r noted < "$note"
if [ "$noted" != healthy ] && { echo new > "$note"; } 2> /dev/null; then
  end=$(( now + interval * 100 ))
else
  stay $(( interval - pause ))
fi
addresses=$("$busybox" ip -o -4 addr | while read -r number device family address rest; do
  case $address in 127.*) ;; *) echo "\${address%/*}" ;; esac
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
`.trim();

/**
 * Asks over the connection that is its standard input and output. Times are hundredths of a second since the machine's start.
 * $0 address, $1 deadline, $2 limit in seconds, $3 path, $4 Host, then the statuses that mean healthy.
 */
const askScript = `
IFS=' \r\n'
deadline=$1 seconds=$2 path=$3 host=$4
shift 4
left() {
  read -r uptime idle < /proc/uptime
  left=$(( (deadline - \${uptime%.*}\${uptime#*.} + 99) / 100 ))
  [ "$left" -gt 0 ]
}
line() { left && read -r -t "$left" -n 4096 version status rest; }
fail() {
  echo "$0: $1" >&2
  exit 1
}
silent() {
  left && fail 'closed without an answer'
  fail "no answer within $seconds s"
}
printf '%s\\r\\n' "GET $path HTTP/1.1" "Host: $host" 'User-Agent: ${userAgent}' 'Accept: */*' 'Connection: close' ''
while :; do
  line || silent
  case $version in HTTP/1.[01]) ;; *) fail 'no HTTP in the answer' ;; esac
  case $status in
    1[0-9][0-9]) while line && [ "$version" ]; do :; done ;;
    [2-9][0-9][0-9]) break ;;
    *) fail 'no HTTP in the answer' ;;
  esac
done
answered=$status
# Who closes before the rest has come makes some applications log an error with each look.
read -r uptime idle < /proc/uptime
deadline=$(( \${uptime%.*}\${uptime#*.} + 100 ))
for part in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16; do line || break; done
for wanted; do [ "$answered" = "$wanted" ] && exit 0; done
fail "answers $answered"
`.trim();

import { userAgent } from "../../lib/health.ts";
import { second } from "../../lib/swarm.ts";
import type { ServiceInputs } from "./resource.ts";

/** A static busybox of the node, mounted into the container: an image need not hold a tool, or a shell, for the health check. */
export const probeTool = "/.scaleout/busybox";

/** Docker kills a check at its own limit, which counts the start of the check's processes as well. */
const startSeconds = 5;

/** Docker's health check. It decides when Swarm goes on to the next node, and what counts as a failed update. Pure. */
export function healthcheck({ health, publish }: Pick<ServiceInputs, "health" | "publish">): object {
	const { path, status, host, timeoutSeconds } = health;
	const words = [publish.target, timeoutSeconds, askScript, path, host, ...status].map(String);
	return {
		Test: ["CMD", probeTool, "sh", "-c", lookScript, probeTool, ...words],
		Interval: health.intervalSeconds * second,
		Timeout: (timeoutSeconds + startSeconds) * second,
		Retries: health.retries,
		StartPeriod: health.deadlineSeconds * second,
	};
}

/*
 * The look that lib/health.ts defines, by busybox alone: no PATH, no file of the image, no place to write, any user. What is asked for is handed
 * over as arguments, so nothing in it is interpreted. Some of busybox's tools do not do here:
 *
 * - wget follows redirects, takes any 2xx, obeys http_proxy, and crashes with a timeout where it is linked statically;
 * - timeout leaves a watcher behind, which becomes a child of the application, and where that one reaps no children, a zombie with each look;
 * - nc ends its side of the connection with its input, which some servers take for a client that has gone: so it runs the shell (-e).
 *
 * No process is left behind: each is waited for, and each ends by itself.
 */

/**
 * Looks at all the container's own addresses at the same time; one that is healthy will do. Not at 127.0.0.1: nobody else reaches that.
 * $0 busybox, $1 port, $2 limit in seconds, $3 the script below, then its arguments.
 */
const lookScript = `
set -f
IFS=' \n'
port=$1 seconds=$2 ask=$3
shift 3
read -r uptime idle < /proc/uptime
deadline=$(( \${uptime%.*}\${uptime#*.} + seconds * 100 ))
looks= healthy=
for address in $("$0" ip -o -4 addr | while read -r number device family address rest; do echo "\${address%/*}"; done); do
  case $address in 127.*) continue ;; esac
  "$0" nc -w "$seconds" "$address" "$port" -e "$0" sh -c "$ask" "$address" "$deadline" "$seconds" "$@" &
  looks="$looks $!"
done
for look in $looks; do wait "$look" && healthy=1; done
[ "$looks" ] || echo "this container has no address"
[ "$healthy" ]
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

# shellcheck shell=bash disable=SC2034
# Asks over the connection that is its standard input and output, for busybox. Times are hundredths of a second since the machine's start.
# $0 address, $1 deadline, $2 limit in seconds, $3 path, $4 Host, then the statuses that mean healthy.
IFS=$' \r\n'
deadline=$1 seconds=$2 path=$3 host=$4
shift 4
left() {
  read -r uptime idle < /proc/uptime
  left=$(( (deadline - ${uptime%.*}${uptime#*.} + 99) / 100 ))
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
printf '%s\r\n' "GET $path HTTP/1.1" "Host: $host" 'User-Agent: scaleout' 'Accept: */*' 'Connection: close' ''
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
deadline=$(( ${uptime%.*}${uptime#*.} + 100 ))
for part in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16; do line || break; done
for wanted; do [ "$answered" = "$wanted" ] && exit 0; done
fail "answers $answered"

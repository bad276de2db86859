#!/usr/bin/env bash
# Compiles the web service into a complete Docker build context: the Dockerfile and the jar.
#
#   build.sh OUT_DIR
#
# Needs a JDK, 11 or later (JAVA_HOME's if set). The same sources and JDK give the same bytes, so an unchanged service
# is not built or rolled out again.
set -euo pipefail

out=${1:?usage: build.sh OUT_DIR}
here=$(cd "$(dirname "$0")" && pwd)
bin=${JAVA_HOME:+$JAVA_HOME/bin/}
work=$(mktemp -d "${TMPDIR:-/tmp}/was-build.XXXXXX")
trap 'rm -rf "$work"' EXIT

mkdir -p "$out" "$work/classes/META-INF"
jar=$(cd "$out" && pwd)/babble-0.0.1-SNAPSHOT.jar

export LC_ALL=C TZ=UTC
find "$here/src" -name '*.java' | sort > "$work/sources"
"${bin}javac" --release 8 -Xlint:all,-options,-serial -encoding UTF-8 -d "$work/classes" "@$work/sources"

# The jar tool stamps the manifest it writes with the present time (--date is not in every JDK), so the manifest is
# given as a plain file, and every file gets one fixed time.
printf 'Manifest-Version: 1.0\r\nMain-Class: babble.Babble\r\n' > "$work/classes/META-INF/MANIFEST.MF"
cd "$work/classes"
find . -type f -exec touch -d 2020-01-01T00:00:00Z {} +
find META-INF babble -type f | sort > "$work/entries"
rm -f "$jar"
"${bin}jar" --create --no-manifest --file "$jar" "@$work/entries"

chmod 644 "$jar"
install -m 644 "$here/Dockerfile" "$(dirname "$jar")/Dockerfile"

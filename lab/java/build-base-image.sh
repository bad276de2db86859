#!/usr/bin/env bash
# Makes the base image of the web service for local machines: a Java 17 runtime and a shell, from Debian 12 packages.
#
#   build-base-image.sh OUT_FILE.tar.gz
#   docker import --change 'CMD ["/bin/sh"]' OUT_FILE.tar.gz NAME
#
# There are no locales in it, so java reads only ASCII from the environment and its arguments.
# Needs root, mmdebstrap and, unless installed already, apt for openjdk-17-jdk-headless. The image crosses slow emulated
# machines again and again, so it holds only what the service uses.
set -euo pipefail
umask 022

out=${1:?usage: build-base-image.sh OUT_FILE.tar.gz}
jdk=/usr/lib/jvm/java-17-openjdk-amd64
work=$(mktemp -d "${TMPDIR:-/tmp}/java-base.XXXXXX")
trap 'rm -rf "$work"' EXIT
debian=$work/debian root=$work/root

if [ ! -d "$jdk/jmods" ]; then
  apt-get update
  apt-get install -y --no-install-recommends openjdk-17-jdk-headless
fi

# "extract" only unpacks the packages: nothing is configured, and no dpkg or apt comes along.
mmdebstrap --variant=extract --mode=root --format=directory \
  --include=busybox-static,libc6,libgcc-s1,libstdc++6,zlib1g bookworm "$debian"

mkdir -p "$root"/{etc,opt,proc,root,run,sys,tmp,dev,usr/bin,usr/lib/x86_64-linux-gnu,usr/lib64}
chmod 1777 "$root/tmp"
for dir in bin lib lib64; do ln -s "usr/$dir" "$root/$dir"; done
ln -s bin "$root/usr/sbin"
ln -s usr/sbin "$root/sbin"

# The default options are linked into the runtime, as an environment variable would be echoed at every start. Under
# emulation starting dominates: one cheap compiler and the simple collector start fastest.
"$jdk/bin/jlink" --module-path "$jdk/jmods" --output "$root/opt/java" \
  --add-modules java.base,jdk.httpserver \
  --strip-java-debug-attributes --no-header-files --no-man-pages \
  --add-options="-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -XX:-UsePerfData"
rm -rf "$root/opt/java/legal"
ln -s /opt/java/bin/java "$root/usr/bin/java"

# Exactly the libraries that the runtime is linked with.
find "$root/opt/java" -type f \( -name '*.so' -o -path '*/bin/java' \) -exec ldd {} + |
  awk '$2 == "=>" && $3 ~ "^/" && $3 !~ "/opt/java/" { print $1 }' | sort -u > "$work/libraries"
while read -r name; do
  cp -L "$(find "$debian" -name "$name" | head -n 1)" "$root/usr/lib/x86_64-linux-gnu/$name"
done < "$work/libraries"
cp -L "$(find "$debian" -name 'ld-linux-x86-64.so.2' -not -type d | head -n 1)" "$root/usr/lib64/ld-linux-x86-64.so.2"

cp "$(find "$debian" -path '*bin/busybox' | head -n 1)" "$root/usr/bin/busybox"
chroot "$root" /bin/busybox --install -s /usr/bin

echo 'root:x:0:0:root:/root:/bin/sh' > "$root/etc/passwd"
echo 'root:x:0:' > "$root/etc/group"
echo 'hosts: files dns' > "$root/etc/nsswitch.conf"

# Classes archived in memory form take most of the work out of starting. The archive is made at the runtime's final
# place, as it remembers paths; java finds its own libraries through /proc. G1 is the one collector that can archive.
unshare --mount sh -ec 'mount -t proc proc "$1/proc"; chroot "$1" /opt/java/bin/java -Xshare:dump -XX:-UseSerialGC -XX:+UseG1GC' \
  - "$root" > "$work/archive.log" || { cat "$work/archive.log" >&2; exit 1; }

tar --create --directory "$root" --sort=name --mtime=2020-01-01T00:00:00Z --owner=0 --group=0 --numeric-owner . |
  gzip --best --no-name > "$out.part"
mv "$out.part" "$out"

#!/usr/bin/env bash
# Builds the root image that every local machine boots: Debian 12 with sshd, Docker and the NFS client.
#
#   build-root-image.sh OUT_DIR
#
# Leaves root.ext4, vmlinuz and initrd.img in OUT_DIR. Needs root, mmdebstrap and e2fsprogs; takes about two minutes.
# What later steps install with apt (see `cached`) is downloaded, not installed: the machines run the real
# installation, without fetching the same packages over a slow emulated network each time.
set -euo pipefail

out=${1:?usage: build-root-image.sh OUT_DIR}
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/root-image.XXXXXX")
trap 'rm -rf "$work"' EXIT

# Left out for the sake of software emulation, where each costs a minute of boot: AppArmor profiles, a resolver daemon.
installed=(
  linux-image-cloud-amd64 systemd-sysv udev dbus busybox-static initramfs-tools kmod
  openssh-server sudo iproute2 iptables ca-certificates curl procps less
  docker.io nfs-common conntrack python3 apache2-utils openssl
)
cached=(nginx nfs-kernel-server docker-registry certbot)

mmdebstrap --variant=minbase --mode=root --skip=cleanup/apt \
  --include="$(IFS=,; echo "${installed[*]}")" \
  --aptopt='Acquire::Retries "3"' \
  --aptopt='APT::Install-Recommends "false"' \
  --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/doc/*' \
  --dpkgopt='path-exclude=/usr/share/locale/*' \
  --setup-hook='mkdir -p "$1/etc/initramfs-tools/scripts/init-bottom" "$1/etc/initramfs-tools/conf.d"' \
  --setup-hook="cp '$here/initramfs-modules' \"\$1/etc/initramfs-tools/modules\"" \
  --setup-hook="cp '$here/initramfs-seed' \"\$1/etc/initramfs-tools/scripts/init-bottom/seed\"" \
  --setup-hook='chmod 755 "$1/etc/initramfs-tools/scripts/init-bottom/seed"; printf "MODULES=list\nCOMPRESS=gzip\n" > "$1/etc/initramfs-tools/conf.d/lab"' \
  --customize-hook='rm -f "$1/etc/resolv.conf"; cp /etc/resolv.conf "$1/etc/resolv.conf"' \
  --customize-hook="chroot \"\$1\" apt-get install -y --no-install-recommends --download-only ${cached[*]}" \
  --customize-hook="cp -r '$here/overlay/.' \"\$1/\"" \
  --customize-hook='chroot "$1" systemctl enable systemd-networkd ssh' \
  --customize-hook='chroot "$1" systemctl disable docker.service docker.socket containerd.service systemd-networkd-wait-online.service nfs-client.target rpcbind.service rpcbind.socket apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer fstrim.timer e2scrub_all.timer 2>/dev/null || true' \
  --customize-hook='rm -f "$1"/etc/ssh/ssh_host_* "$1/etc/machine-id"; : > "$1/etc/machine-id"' \
  --customize-hook='chroot "$1" systemctl mask e2scrub_reap.service systemd-update-utmp.service systemd-remount-fs.service dev-hugepages.mount dev-mqueue.mount sys-kernel-debug.mount sys-kernel-tracing.mount modprobe@.service' \
  --customize-hook='echo "nameserver 10.0.2.3" > "$1/etc/resolv.conf"' \
  bookworm "$work/root.tar"

mkdir "$work/root"
tar -xf "$work/root.tar" -C "$work/root" --numeric-owner
mkdir -p "$out"
cp "$work"/root/boot/vmlinuz-* "$out/vmlinuz"
cp "$work"/root/boot/initrd.img-* "$out/initrd.img"
rm -f "$work"/root/boot/initrd.img-*
truncate -s 8G "$out/root.ext4.part"
mke2fs -q -t ext4 -d "$work/root" -L root -E lazy_itable_init=1,lazy_journal_init=1 "$out/root.ext4.part"
mv "$out/root.ext4.part" "$out/root.ext4"

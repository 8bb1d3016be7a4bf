#!/bin/sh
# Writes the root of the image: the program, its libraries, the certificates of authorities, and the few files
# by which the C library finds names and users. No shell, no package manager.
#
#   packaging/container/root.sh BINARY FOLDER
set -eu

binary=$1
root=$2

mkdir -p "$root/usr/bin" "$root/etc/ssl/certs" "$root/etc/keypulse" "$root/var/lib/keypulse" "$root/tmp"
chmod 1777 "$root/tmp"
chmod 700 "$root/var/lib/keypulse"
install -m 755 "$binary" "$root/usr/bin/keypulse"
# Each library at the place where the program looks for it; the loader is named by its full path.
ldd "$binary" | grep -o '/[^ ]*' | sort -u | while read -r library; do
    install -D -m 755 "$library" "$root$library"
done
install -m 644 /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"
# Without this the C library would ask the DNS for localhost.
echo 'hosts: files dns' >"$root/etc/nsswitch.conf"
echo 'keypulse:x:65532:65532:keypulse:/var/lib/keypulse:/nonexistent' >"$root/etc/passwd"
echo 'keypulse:x:65532:' >"$root/etc/group"

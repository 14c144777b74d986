#!/usr/bin/env bash
# Installs the builders that the tests below this folder use: buildah from Debian 12, and Docker
# Engine with BuildKit and buildx from Debian's unstable suite, since Debian 12 has none of 2025;
# and a registry from Debian 12, with the program that makes its passwords; and compilers for glibc,
# with the loader of musl; what makes a small Debian; what lets a daemon of its own reach a network;
# and strace, which shows what a run does.
# For root on Debian 12; a second run changes nothing.
set -euo pipefail

installed() {
    dpkg-query --show --showformat='${db:Status-Status} ${Version}\n' "$1" 2>/dev/null |
        grep -q "^installed $2"
}

# The mirror that this machine has Debian itself from.
mirror() {
    apt-get indextargets --format '$(CODENAME) $(SITE)' 'Created-By: Packages' 'Label: Debian' |
        awk '$1 == "bookworm" { print $2; exit }'
}

add_unstable() {
    # Pinned low: nothing comes from there unless it is asked for.
    printf 'Package: *\nPin: release a=unstable\nPin-Priority: 50\n' \
        >/etc/apt/preferences.d/unstable
    # A mirror may be weeks old, and unstable is signed for days.
    printf '%s\n' 'Types: deb' "URIs: $1" 'Suites: unstable' 'Components: main' \
        'Check-Valid-Until: no' 'Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg' \
        >/etc/apt/sources.list.d/unstable.sources
}

install() {
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

if installed docker.io 2[89] && installed docker-buildx 0 && installed docker-cli 2[89] &&
    installed tini-static 0 && installed buildah 1 && installed busybox-static 1 &&
    installed docker-registry 2 && installed apache2-utils 2 && installed golang-1.19-go 1 &&
    installed gcc 4 && installed libc6-dev 2 && installed musl 1 && installed mmdebstrap 1 &&
    installed slirp4netns 1 && installed iptables 1 && installed strace 6; then
    exit 0
fi

apt-get update -qq
uri=$(mirror)
if [ -z "$uri" ]; then
    echo "tests/builder/install.sh: no source of apt has Debian 12 (bookworm)" >&2
    exit 1
fi
# Before unstable is known, so that they come from Debian 12.
install buildah busybox-static docker-registry apache2-utils openssl
install gcc libc6-dev golang-1.19-go musl mmdebstrap slirp4netns iptables strace
add_unstable "$uri"
apt-get update -qq
install --target-release unstable docker.io docker-buildx docker-cli tini-static

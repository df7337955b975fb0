#!/usr/bin/env bash
# Fetches packages of Debian 13 into a folder and unpacks them there: nothing is installed, and the machine's own apt
# stays as it is. For what Debian 12 does not have: ONNX Runtime's headers, and a qemu that runs ONNX Runtime.
#
#     .ci/fetch_debian13.sh FOLDER PACKAGE...
set -euo pipefail
folder=$1
shift
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
wanted=()
for package in "$@"; do
    [[ -e "$folder/.have-$package" ]] || wanted+=("$package")
done
((${#wanted[@]})) || exit 0

# The mirror that this machine uses.
mirror_of_apt() {
    apt-get indextargets --format '$(REPO_URI)' 2>/dev/null | awk '/\/debian\/?$/ && !n++'
}
mirror=$(mirror_of_apt)
if [[ -z "$mirror" ]]; then
    apt-get update -qq  # apt names no target before it has lists
    mirror=$(mirror_of_apt)
fi
: "${mirror:?no Debian mirror among the sources of apt}"
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
mkdir -p "$root"/{etc/apt/apt.conf.d,etc/apt/preferences.d,etc/apt/sources.list.d,var/lib/apt/lists/partial,var/cache/apt/archives/partial,var/lib/dpkg}
: > "$root/var/lib/dpkg/status"
keys=(/usr/share/keyrings/debian-archive-keyring.[gp]*)  # .gpg; .pgp later
echo "deb [signed-by=${keys[0]}] $mirror trixie main" > "$root/etc/apt/sources.list"
options=(
    -o "Dir::Etc::sourcelist=$root/etc/apt/sources.list" 
    -o "Dir::Etc::sourceparts=$root/etc/apt/sources.list.d" -o "Dir::Etc::preferencesparts=$root/etc/apt/preferences.d"
    -o "Dir::State=$root/var/lib/apt" -o "Dir::State::status=$root/var/lib/dpkg/status"
    -o "Dir::Cache=$root/var/cache/apt" -o APT::Sandbox::User=root
)
apt-get "${options[@]}" update -qq
for package in "${wanted[@]}"; do
    (cd "$root" && apt-get "${options[@]}" download -qq "$package")
    dpkg-deb -x "$root/${package}"_*.deb "$folder"
    touch "$folder/.have-$package"
done

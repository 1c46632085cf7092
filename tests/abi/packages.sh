#!/usr/bin/env bash
# Makes the Debian packages and looks at them as who installs them would: each file that is laid down
# is in one package, what they need is named, and the programs run from where they are unpacked to.
# usage: packages.sh BUILD_FOLDER SOURCE_FOLDER
set -euo pipefail

build=$1
source=$2
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
cd -- "$work"

fail() {
    echo "packages: $*" >&2
    exit 1
}

quietly() {
    "$@" >log 2>&1 || {
        cat log >&2
        fail "failed: $*"
    }
}

# The files below a folder, links too, one a line.
files_of() { (cd -- "$1" && find . ! -type d | sort); }

mkdir root
quietly cpack --config "$build/CPackConfig.cmake" -B "$work/packages"
for name in libkeyprovider0 libkeyprovider-dev keyprovider-plugins keyprovider-tools keyprovider-ekm; do
    package=$(echo packages/"$name"_*.deb)
    [ -e "$package" ] || fail "there is no $name"
    quietly dpkg-deb -x "$package" "root/$name"
    quietly dpkg-deb -x "$package" all
    dpkg-deb -f "$package" Depends >"$name.depends"
done
[ "$(echo packages/*.deb | wc -w)" -eq 5 ] || fail "there are other packages: $(ls packages)"

quietly env DESTDIR="$work/laid" cmake --install "$build" --prefix /usr
files_of laid >laid.list
for folder in root/*; do files_of "$folder"; done | sort >packed.list
cmp -s laid.list packed.list || {
    diff laid.list packed.list >&2 || true
    fail "not each file is in one package"
}

needs() { grep -qF -- "$2" "$1.depends" || fail "$1 does not ask for $2: $(cat "$1.depends")"; }
needs libkeyprovider0 libcurl4
needs libkeyprovider0 libssl3
needs keyprovider-plugins libjansson4
needs keyprovider-tools 'libkeyprovider0 (= '
needs keyprovider-tools 'keyprovider-plugins (= '
needs keyprovider-ekm 'keyprovider-plugins (= '
needs libkeyprovider-dev 'libkeyprovider0 (= '

# Nothing of the build folder stands in for what is unpacked.
unset KP_PLUGIN_DIR KP_BIN KP_CONFIG XDG_CONFIG_HOME
export HOME=$work PATH=$work/all/usr/bin:$PATH
[ "$(command -v kp)" = "$work/all/usr/bin/kp" ] || fail "kp is not the one unpacked"
quietly kp -V file:./vault key create app --type RSA --size 2048
head -c 32 /dev/urandom >dek
quietly kp -V file:./vault wrap app --in dek --out dek.kp
quietly kp -V file:./vault unwrap --in dek.kp --out again
cmp dek again
quietly kp plugins
for plugin in azure-keyvault managed-hsm file-test; do
    grep -q -- "$plugin" log || fail "kp does not find the plugin $plugin"
done

printf 's3cret' >access
export KP_EKM_CONFIG=$work/ekm.json
cat >"$KP_EKM_CONFIG" <<JSON
{
  "vaults": {"main": {"location": "file:$work/main", "access_secret": {"file": "$work/access"}}},
  "ekm": {"allow": ["config:main"], "key_map": "$work/map", "log_file": "$work/ekm.log"}
}
JSON
quietly kp --config ekm.json -V main key create ContosoKey --type RSA --size 2048
sed 's/ContosoVault/config:main/; s/ContosoSecret/s3cret/' "$source/examples/sql/tde-setup.sql" >setup.sql
quietly ekm-rehearse --provider "$(find "$work/all" -name libkeyprovider-ekm.so)" setup.sql
grep -q 'Orders   ENCRYPTED' log || fail "the database was not encrypted"
echo 'packages: ok'

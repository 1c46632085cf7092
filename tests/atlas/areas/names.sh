#!/usr/bin/env bash
# Host names, where the name server fails. The system's resolver asks whom /etc/resolv.conf names,
# at port 53: this runs in name spaces of its own, with such files, no network, and a name server at
# the loopback. Ends with 77 where the system gives out no name spaces.
if [ -z "${KP_ATLAS_HAS_SPACES:-}" ]; then
    spaces=(unshare --user --map-root-user --mount --net)
    "${spaces[@]}" true 2>/dev/null || exit 77
    KP_ATLAS_HAS_SPACES=1 exec "${spaces[@]}" bash "$0"
fi
# shellcheck source=../lib/atlas.bash
. "$KP_SRC/tests/atlas/lib/atlas.bash"

printf 'nameserver 127.0.0.1\noptions timeout:1 attempts:1\n' >resolv.conf
printf 'hosts: files dns\n' >nsswitch.conf
for file in resolv.conf nsswitch.conf; do
    mount --bind "$file" "$(realpath -- "/etc/$file")"
done
coproc server { exec "$KP_ATLAS_BIN/atlas-name-server"; }
exec 4>&"${server[1]}"
trap 'exec 4>&-; rm -rf -- "$work"' EXIT
read -r _ <&"${server[0]}"

vaults=()
for name in gone bare broken mute; do
    vaults+=("\"$name\": {$hasty \"location\": \"$name.vault.azure.net\", \"settings\":
        {\"identity\": {$own}}}")
done
configure kp.json '' "${vaults[@]}"

seen_as 3900 'did not resolve' 'the name server says that there is no such name' show gone
seen_as 3900 'did not resolve' 'the name server has no address for the name' show bare
seen_as 3900 'could not be looked up' 'the name server fails' show broken
seen_as 3900 'could not be looked up' 'the name server does not answer' show mute

finish

# What scripts against the emulator begin with, after common.bash. Sourced, never run; the script has
# started itself again under kp-emulator, whose environment it reads.
# shellcheck shell=bash disable=SC2034

port=${KP_EMULATOR_VAULT##*:}
hsm_port=${KP_EMULATOR_HSM##*:}
key_vault=https://vault.azure.net
managed_hsm=https://managedhsm.azure.net

# control METHOD PATH [BODY]: tells the emulator something; its answer in the file control.
control() {
    local host=${KP_EMULATOR_CONTROL#http://} path
    path=/${host#*/}$2
    host=${host%%/*}
    exec 3<>"/dev/tcp/${host%:*}/${host##*:}"
    printf '%s %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s' \
        "$1" "$path" "$host" "$(printf %s "${3:-}" | wc -c)" "${3:-}" >&3
    cat <&3 >control
    exec 3<&- 3>&-
    head -n 1 control | grep -q ' 20[04] ' || fail "control $1 $2: $(head -n 1 control)"
}

# fault RULE: the next request of a kind meets it.
fault() {
    control POST /scenario "{\"rules\": [$1]}"
}

# requests KIND: how many of that kind have come since `control DELETE /requests`.
requests() {
    control GET /requests
    local n
    n=$(sed -n "s/.*\"$1\": *\\([0-9]*\\).*/\\1/p" control)
    printf '%s\n' "${n:-0}"
}

# asked KIND N: so many, and not one more or less.
asked() {
    local n
    n=$(requests "$1")
    [ "$n" -eq "$2" ] || fail "$n requests of kind $1 instead of $2"
}

# vault NAME PLUGIN PORT RESOURCE IDENTITY [MEMBERS]: one vault of the configuration.
vault() {
    printf '"%s": {%s "plugin": "%s", "location": "localhost:%s", "settings": {' \
        "$1" "${6:-}" "$2" "$3"
    printf '"custom_suffix": "localhost", "custom_resource": "%s",' "$4"
    printf '"authority": "%s", "poll_ms": 50, "identity": {%s}}}' "$KP_EMULATOR_LOGIN" "$5"
}

# both_vaults: the vaults akv and hsm, one of each service, with the client secret in the file secret;
# begins the configuration, which the caller ends.
both_vaults() {
    printf %s "$AZURE_CLIENT_SECRET" >secret
    local by_secret="\"client_id\": \"$AZURE_CLIENT_ID\", \"secret\": {\"file\": \"$PWD/secret\"}"
    printf '{"http": {"ca_file": "%s"}, "vaults": {' "$KP_EMULATOR_CA"
    vault akv azure-keyvault "$port" $key_vault "$by_secret"
    printf ','
    vault hsm managed-hsm "$hsm_port" $managed_hsm "$by_secret"
}

#!/usr/bin/env bash
# Each rule of the interface broken once: the engine must notice, and say which.
# shellcheck source=lib/rehearse.bash
. "$KP_SRC/tests/rehearse/lib/rehearse.bash"

make_vault ContosoVault ContosoKey ContosoKey2 ContosoBackupKey
use_scripts

# with FAULT NUMBER TEXT ARGUMENT...: the fault, and what it is called.
with() {
    local fault=$1
    shift
    export SCRIPTED_EKM_FAULT=$fault
    message "$@"
    unset SCRIPTED_EKM_FAULT
}

# ---- Registering ----

anew() {
    rm -rf -- rehearsal
    with "$@" tde-setup.sql
}

anew initialize 33029 'Provider error code: 1.'
anew success-on-probe 33029 'Success to the first call'
has 'Provider error code: 0.'
anew own-pointer 33029 'replaced a pointer'
anew overrun 33029 'outside the buffer'
anew interface 33032 '01.02'
anew auth-type 33025 'authentication type'
anew thumb-length 33025 'thumbprint length'
anew tag 33088 RSA_9999
anew no-algorithm-info 33089 'Provider error code: 4.'
anew bit-length 33087 'bit length'
anew no-export 33037 'Provider error code: 3.'
anew short-success 33037 'Success to the first call'
options=(--order register=info-algorithms)
anew endless 33039 'without an end'
options=()

rm -rf -- rehearsal
library=$work/nothing.so message 33027 'Cannot load library' tde-setup.sql
library=$KP_PLUGIN_DIR/file-test.so
[ -e "$library" ] || library=$(find "$KP_PLUGIN_DIR" -name '*.so' | head -n 1)
message 33085 'State 1' tde-setup.sql
library=$KP_TEST_PLUGIN_DIR/scripted-ekm.so

# ---- What changes behind the server's back ----

rm -rf -- rehearsal
quiet tde-setup.sql
cat >read.sql <<'SQL'
SELECT DECRYPTBYASYMKEY(ASYMKEY_ID('TdeKey'), 0x00);
SQL
with guid 33024 'State 1' --restart
with version 33024 'State 2' --restart
with algorithm-id 33087 'algorithm id' --restart
with bit-length 33087 'bit length' --restart
with other-key 33049 'answered with another' --restart
with wrong-dek 824 'another database encryption key' --restart
message 15466 'Provider error code: 3715' read.sql
quiet --restart

# A new version is taken over by ALTER, a new GUID never is.
cat >alter.sql <<'SQL'
ALTER CRYPTOGRAPHIC PROVIDER VaultProvider DISABLE;
ALTER CRYPTOGRAPHIC PROVIDER VaultProvider FROM FILE = 'C:\new.dll';
ALTER CRYPTOGRAPHIC PROVIDER VaultProvider ENABLE;
SQL
with guid 33024 'State 3' alter.sql
SCRIPTED_EKM_FAULT=version quiet alter.sql
SCRIPTED_EKM_FAULT=version quiet --restart
message 33024 'State 2' --restart
quiet alter.sql
quiet --restart

# FROM FILE disables the provider; a script that forgets ENABLE finds out here.
sed '/DISABLE/d; /ENABLE/d' alter.sql >forgetful.sql
quiet forgetful.sql
message 33031 'is disabled' read.sql
message 33031 'is disabled' --restart
printf 'ALTER CRYPTOGRAPHIC PROVIDER VaultProvider ENABLE;\n' >enable.sql
quiet enable.sql
quiet --restart

# ---- What the statements refuse ----

# refuses NUMBER 'STATEMENT'...: in the state after tde-setup.sql.
refuses() {
    local number=$1
    shift
    printf '%s\n' "$@" >statement.sql
    message "$number" '' statement.sql
}

refuses 33026 "CREATE CRYPTOGRAPHIC PROVIDER Again FROM FILE = 'x';"
refuses 33043 "CREATE CREDENTIAL c2 WITH IDENTITY = 'a', SECRET = 'b' FOR CRYPTOGRAPHIC PROVIDER
    VaultProvider; ALTER LOGIN sa ADD CREDENTIAL c2;"
refuses 33044 'DROP CRYPTOGRAPHIC PROVIDER VaultProvider;'
refuses 33034 "CREATE ASYMMETRIC KEY k FROM PROVIDER VaultProvider WITH ALGORITHM = RSA_2048,
    PROVIDER_KEY_NAME = 'ContosoKey', CREATION_DISPOSITION = OPEN_EXISTING;"
refuses 33049 "CREATE ASYMMETRIC KEY k FROM PROVIDER VaultProvider WITH PROVIDER_KEY_NAME = 'none',
    CREATION_DISPOSITION = OPEN_EXISTING;"
has 'Provider error code: 3112'
refuses 33039 "CREATE ASYMMETRIC KEY k FROM PROVIDER VaultProvider WITH PROVIDER_KEY_NAME = 'none';"
refuses 33039 "CREATE ASYMMETRIC KEY k FROM PROVIDER VaultProvider WITH ALGORITHM = RSA_4096,
    PROVIDER_KEY_NAME = 'none';"
refuses 33035 "CREATE ASYMMETRIC KEY k FROM PROVIDER VaultProvider WITH ALGORITHM = RSA_2048,
    PROVIDER_KEY_NAME = 'ContosoKey';"
SCRIPTED_EKM_FAULT=no-names refuses 33050 "CREATE ASYMMETRIC KEY k FROM PROVIDER VaultProvider
    WITH ALGORITHM = RSA_2048, PROVIDER_KEY_NAME = 'ContosoKey';"
refuses 33120 'CREATE ASYMMETRIC KEY native WITH ALGORITHM = RSA_2048;
    CREATE DATABASE d; USE d; CREATE DATABASE ENCRYPTION KEY WITH ALGORITHM = AES_256
    ENCRYPTION BY SERVER ASYMMETRIC KEY native;'
refuses 33121 "CREATE ASYMMETRIC KEY k FROM PROVIDER VaultProvider WITH
    PROVIDER_KEY_NAME = 'ContosoKey2', CREATION_DISPOSITION = OPEN_EXISTING;
    USE d; CREATE DATABASE ENCRYPTION KEY WITH ALGORITHM = AES_256
    ENCRYPTION BY SERVER ASYMMETRIC KEY k;"
refuses 33106 'ALTER DATABASE d SET ENCRYPTION ON;'
refuses 33103 'USE Orders; CREATE DATABASE ENCRYPTION KEY WITH ALGORITHM = AES_256
    ENCRYPTION BY SERVER ASYMMETRIC KEY TdeKey;'
refuses 33105 'USE Orders; DROP DATABASE ENCRYPTION KEY;'
refuses 15352 'DROP ASYMMETRIC KEY TdeKey;'
refuses 33046 'ALTER LOGIN sa DROP CREDENTIAL AdminVault;
    SELECT ENCRYPTBYASYMKEY(ASYMKEY_ID(N'"'TdeKey'"'), 0x01);'

# The thumbprint of the backup leads nowhere on a node without the key.
printf "BACKUP DATABASE Orders TO DISK = 'o.bak';\n" >backup1.sql
printf "RESTORE DATABASE Orders FROM DISK = 'o.bak';\n" >restore1.sql
quiet backup1.sql
message 33111 '0x' --node empty restore1.sql
has 'Msg 3013'

# A key that the provider keeps: the row goes, a message of severity 10 says so.
printf 'ALTER LOGIN sa ADD CREDENTIAL AdminVault;\nDROP ASYMMETRIC KEY k REMOVE PROVIDER KEY;\n' >drop.sql
ok rehearse drop.sql
has 'Msg 33036, Level 10'

# Switched off, whatever the catalogue holds.
printf "EXEC sp_configure 'EKM provider enabled', 0; RECONFIGURE;\n" >off.sql
quiet off.sql
message 33053 '' --restart
rm -rf -- rehearsal
printf "CREATE CRYPTOGRAPHIC PROVIDER p FROM FILE = 'x';\n" >early.sql
message 33053 '' early.sql

# ---- Not understood: line, column, nothing runs ----

not_understood() {
    local text=$1
    printf '%s\n' "${@:2}" >bad.sql
    fails 2 "$text" rehearse bad.sql
    [ ! -e rehearsal ] || fail 'a refused script made a node'
}

rm -rf -- rehearsal
not_understood 'bad.sql: line 2, column 1: expected a statement' 'CREATE DATABASE d;' 'SHUTDOWN;'
not_understood 'line 1, column 26' "CREATE CREDENTIAL c WITH IDENTITI = 'x';"
not_understood 'line 2, column 3: the quoted text' 'PRINT' "  'open"
not_understood 'line 1, column 19: the rehearsal has no such view' 'SELECT * FROM sys.tables;'
not_understood 'line 1, column 8: the rehearsal has no such function' 'SELECT GETDATE();'
not_understood 'expected ON or OFF, found a string' "ALTER DATABASE d SET ENCRYPTION 'pass';"
fails 2 'no option' rehearse --frobnicate
fails 2 '--order open-key takes' rehearse --order open-key=x tde-setup.sql
fails 2 'no script' rehearse
printf '{"next_id":1}' >broken.json
mkdir -p rehearsal/node1
cp broken.json rehearsal/node1/catalog.json
fails 3 'catalogue' rehearse tde-setup.sql

printf 'strict: ok\n'

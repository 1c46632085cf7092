#!/usr/bin/env bash
# Statements and views one by one: what they print, and what they refuse in which state.
# shellcheck source=lib/rehearse.bash
. "$KP_SRC/tests/rehearse/lib/rehearse.bash"

make_vault ContosoVault ContosoKey ContosoKey2 ContosoBackupKey
use_scripts
quiet tde-setup.sql

# A library named without a folder is the one here, not one of the system's.
cp -- "$library" here.so
ok "$KP_BIN/ekm-rehearse" --provider here.so --folder bare tde-setup.sql
has 'ENCRYPTED'

# says TEXT STATEMENT...: runs without a message and prints TEXT, columns one blank apart.
says() {
    local text=$1
    shift
    printf '%s\n' "$@" >statement.sql
    quiet statement.sql
    tr -s ' ' <out >narrow
    has "$text" narrow
}

refuses() {
    local number=$1
    shift
    printf '%s\n' "$@" >statement.sql
    message "$number" '' statement.sql
}

# ---- Views ----

says 'C:\Program Files\keyprovider\keyprovider-ekm.dll' 'SELECT * FROM sys.cryptographic_providers;'
says '01020304-0506-0708-0102-030405060708' 'SELECT guid FROM sys.cryptographic_providers;'
says 'scripted provider' 'SELECT friendly_name FROM sys.dm_cryptographic_provider_properties;'
says 'BASIC' 'SELECT p.authentication_type, asymmetric_key_support
    FROM sys.dm_cryptographic_provider_properties AS p WHERE asymmetric_key_export = 0;'
says '2 RSA_3072 ASYMMETRIC KEY 3072' \
    'SELECT * FROM sys.dm_cryptographic_provider_algorithms(100);'
says '3 ContosoBackupKey 0x' 'SELECT * FROM sys.dm_cryptographic_provider_keys(100);'
has '(3 rows affected)'
says '(1 row affected)' "SELECT key_id FROM sys.dm_cryptographic_provider_keys(100)
    WHERE key_name = 'contosokey' AND key_length = 2048;"
says 'ContosoVault 51' "SELECT ENCRYPTBYASYMKEY(ASYMKEY_ID('TdeKey'), 'x');" \
    'SELECT session_handle, [identity], spid FROM sys.dm_cryptographic_provider_sessions(1);'
says 'CRYPTOGRAPHIC PROVIDER 01020304' \
    'SELECT provider_type, cryptographic_provider_guid FROM [sys].[asymmetric_keys];'
says 'TdeVault ContosoVault' 'SELECT name, credential_identity FROM sys.credentials;'
says 'ASYMMETRIC KEY 0' \
    'SELECT encryptor_type, percent_complete FROM sys.dm_database_encryption_keys;'
says 'Orders ONLINE 1' 'SELECT name, state_desc, is_encrypted FROM sys.databases
    WHERE is_encrypted = 1;'
says '(0 rows affected)' 'SELECT * FROM sys.databases WHERE name = NULL;'
refuses 33030 'SELECT * FROM sys.dm_cryptographic_provider_keys(7);'
refuses 207 'SELECT nonsense FROM sys.credentials;'

# ---- Values ----

says "it's NULL-free 0x0AFF" "DECLARE @t nvarchar(20); SET @t = N'it''s ' + 'NULL-free';
    SELECT @t AS a, 0x0aff AS b;"
says 'master 1 4 2' "SELECT DB_NAME(), DB_ID('master'), DATALENGTH(N'ab'), DATALENGTH('ab');"
says 'NULL' "SELECT ASYMKEY_ID('nosuch') AS nothing;"
says '0x6100' "DECLARE @b varbinary(2) = CAST(N'abc' AS varbinary(10)); SELECT @b AS x;"
says 'ab' "PRINT CONVERT(varchar(2), 0x616263);"
says 'Configuration' "EXEC sp_configure 'show advanced options', 1;"
says 'run_value 1' 'sp_configure'
refuses 137 'SET @x = 1;'
refuses 137 'DECLARE @x int = 1' 'GO' 'PRINT @x;'
refuses 134 'DECLARE @x int; DECLARE @X int;'
refuses 529 "DECLARE @x int = 'a';"
refuses 402 "PRINT 1 + 'a';"
refuses 174 'SELECT ENCRYPTBYASYMKEY(1);'
refuses 15123 "EXEC sp_configure 'clr enabled', 1;"
refuses 15129 "EXEC sp_configure 'EKM provider enabled', 2;"

# ---- A statement that fails leaves the next one running, unless told ----

printf 'USE nosuch;\nPRINT N'"'after'"';\n' >two.sql
message 911 after two.sql
rc=0
rehearse --stop two.sql >out 2>err || rc=$?
[ $rc -eq 1 ] || fail "--stop gives exit $rc"
lacks after
says 'thrice' 'PRINT 1' 'GO' "PRINT 'thrice'" 'GO 3'
[ "$(grep -c thrice out)" -eq 3 ] || fail 'GO 3 did not run three times'

# ---- Names are there once, and go in order ----

refuses 15025 "CREATE CRYPTOGRAPHIC PROVIDER vaultprovider FROM FILE = 'x';"
refuses 15028 "CREATE CREDENTIAL TDEVAULT WITH IDENTITY = 'x';"
refuses 15282 "CREATE ASYMMETRIC KEY tdekey WITH ALGORITHM = RSA_2048;"
refuses 15025 'CREATE LOGIN sa FROM ASYMMETRIC KEY TdeKey;'
refuses 1801 'CREATE DATABASE orders;'
refuses 15591 'DROP CREDENTIAL TdeVault;'
refuses 15434 'DROP LOGIN sa;'
refuses 3708 'DROP DATABASE master;'
refuses 3702 'USE Orders; DROP DATABASE Orders;'
refuses 3701 'DROP DATABASE nosuch;'
refuses 15580 'ALTER LOGIN sa ADD CREDENTIAL AdminVault;'
refuses 15535 "CREATE CREDENTIAL plain WITH IDENTITY = 'x'; ALTER LOGIN sa ADD CREDENTIAL plain;"
refuses 15535 'ALTER LOGIN sa DROP CREDENTIAL plain;'
for kind in 'CRYPTOGRAPHIC PROVIDER' CREDENTIAL LOGIN 'ASYMMETRIC KEY'; do
    refuses 15151 "DROP $kind nosuch;"
done

# ---- Encryption keys ----

refuses 33102 'CREATE DATABASE ENCRYPTION KEY WITH ALGORITHM = AES_256
    ENCRYPTION BY SERVER ASYMMETRIC KEY TdeKey;'
refuses 33107 'ALTER DATABASE Orders SET ENCRYPTION ON;'
refuses 33094 'USE Orders; ALTER DATABASE ENCRYPTION KEY REGENERATE WITH ALGORITHM = ROT13;'
says '128' 'USE Orders; ALTER DATABASE ENCRYPTION KEY REGENERATE WITH ALGORITHM = AES_128;
    SELECT key_length FROM sys.dm_database_encryption_keys;'
quiet --restart
says 'UNENCRYPTED' 'ALTER DATABASE Orders SET ENCRYPTION OFF;
    SELECT encryption_state_desc FROM sys.dm_database_encryption_keys;'
refuses 33108 'ALTER DATABASE Orders SET ENCRYPTION OFF;'
says '(0 rows affected)' 'USE Orders; DROP DATABASE ENCRYPTION KEY;
    SELECT * FROM sys.dm_database_encryption_keys;'
refuses 33104 'USE Orders; DROP DATABASE ENCRYPTION KEY;'
says 'ENCRYPTED' 'USE Orders; CREATE DATABASE ENCRYPTION KEY WITH ALGORITHM = TRIPLE_DES_3KEY
    ENCRYPTION BY SERVER ASYMMETRIC KEY TdeKey; ALTER DATABASE Orders SET ENCRYPTION ON;
    SELECT encryption_state_desc FROM sys.dm_database_encryption_keys;'

# ---- Backups ----

quiet backup.sql
refuses 3154 "RESTORE DATABASE Orders FROM DISK = 'orders.bak';"
has 'Msg 3013'
says 'successfully' "RESTORE DATABASE Orders FROM DISK = 'orders.bak' WITH REPLACE, STATS = 10;"
says 'successfully' "RESTORE DATABASE Copy FROM DISK = 'C:\\deep\\orders-encrypted.bak';"
quiet --restart
has "Starting up database 'Copy'"
refuses 3201 "RESTORE DATABASE x FROM DISK = 'nosuch.bak';"
refuses 3201 "BACKUP DATABASE Orders TO DISK = 'C:\\dir\\..';"
refuses 911 "BACKUP DATABASE nosuch TO DISK = 'x.bak';"
refuses 33094 "BACKUP DATABASE Orders TO DISK = 'x.bak' WITH ENCRYPTION (ALGORITHM = ROT13,
    SERVER ASYMMETRIC KEY = BackupKey);"
[ ! -e rehearsal/backup/x.bak ] || fail 'a refused backup left a file'
sed 's/"body": "./"body": "z/' rehearsal/backup/orders-encrypted.bak >rehearsal/backup/no-hex.bak
refuses 3201 "RESTORE DATABASE x FROM DISK = 'no-hex.bak';"
sed '/"body"/s/[0-4]/9/100' rehearsal/backup/orders-encrypted.bak >rehearsal/backup/damaged.bak
refuses 3241 "RESTORE DATABASE x FROM DISK = 'damaged.bak';"
sed '/"wrapped"/s/[0-4]/9/50' rehearsal/backup/orders-encrypted.bak >rehearsal/backup/other.bak
refuses 15466 "RESTORE DATABASE x FROM DISK = 'other.bak';"
says '(0 rows affected)' "SELECT * FROM sys.databases WHERE name = 'x';"

# ---- The key of the SECRETs is not this node's ----

head -c 32 /dev/urandom >rehearsal/node1/service.key
message 33047 'cannot be read' --restart
: >rehearsal/node1/service.key
fails 3 'service.key' rehearse --restart

# ---- Sessions and a SECRET that changes ----

rm -rf -- rehearsal
quiet tde-setup.sql
cat >alter.sql <<'SQL'
SELECT ENCRYPTBYASYMKEY(ASYMKEY_ID('TdeKey'), 0x01);
ALTER CREDENTIAL AdminVault WITH IDENTITY = 'ContosoVault', SECRET = 'other';
SELECT ENCRYPTBYASYMKEY(ASYMKEY_ID('TdeKey'), 0x01);
ALTER CRYPTOGRAPHIC PROVIDER VaultProvider DISABLE;
SQL
ok rehearse alter.sql
has 'Msg 33057, Level 10'
message 33031 '' --restart
printf 'ALTER CRYPTOGRAPHIC PROVIDER VaultProvider ENABLE;\n' >enable.sql
quiet enable.sql
message 33028 'Provider error code: 3303' --order altered-credential=close-session alter.sql

printf 'statements: ok\n'

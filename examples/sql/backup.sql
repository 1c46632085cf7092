/* Backups after tde-setup.sql. A database with TDE is encrypted in its backups as well; ENCRYPTION
   encrypts the backup under a key of its own. That key must not be the one of TDE. */
USE master;
CREATE ASYMMETRIC KEY BackupKey
FROM PROVIDER VaultProvider
WITH PROVIDER_KEY_NAME = 'ContosoBackupKey', CREATION_DISPOSITION = OPEN_EXISTING;
CREATE LOGIN BackupLogin FROM ASYMMETRIC KEY BackupKey;
CREATE CREDENTIAL BackupVault
    WITH IDENTITY = 'ContosoVault', SECRET = 'ContosoSecret'
    FOR CRYPTOGRAPHIC PROVIDER VaultProvider;
ALTER LOGIN BackupLogin ADD CREDENTIAL BackupVault;
GO
BACKUP DATABASE Orders TO DISK = N'D:\backup\orders.bak' WITH INIT, COMPRESSION;
BACKUP DATABASE Orders TO DISK = N'D:\backup\orders-encrypted.bak'
WITH FORMAT, ENCRYPTION (ALGORITHM = AES_256, SERVER ASYMMETRIC KEY = BackupKey), STATS = 10;
GO

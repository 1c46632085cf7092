/* A second server that has nothing but the vault: it registers the library, opens the keys the
   backups were made with, and restores. The thumbprint leads from the backup to the key. */
EXEC sp_configure 'show advanced options', 1;
RECONFIGURE;
EXEC sp_configure 'EKM provider enabled', 1;
RECONFIGURE;
GO
CREATE CRYPTOGRAPHIC PROVIDER VaultProvider
FROM FILE = 'C:\Program Files\keyprovider\keyprovider-ekm.dll';
CREATE CREDENTIAL AdminVault
    WITH IDENTITY = 'ContosoVault', SECRET = 'ContosoSecret'
    FOR CRYPTOGRAPHIC PROVIDER VaultProvider;
ALTER LOGIN sa ADD CREDENTIAL AdminVault;
GO
CREATE ASYMMETRIC KEY TdeKey2 FROM PROVIDER VaultProvider
WITH PROVIDER_KEY_NAME = 'ContosoKey2', CREATION_DISPOSITION = OPEN_EXISTING;
CREATE LOGIN TdeLogin2 FROM ASYMMETRIC KEY TdeKey2;
CREATE ASYMMETRIC KEY BackupKey FROM PROVIDER VaultProvider
WITH PROVIDER_KEY_NAME = 'ContosoBackupKey', CREATION_DISPOSITION = OPEN_EXISTING;
CREATE LOGIN BackupLogin FROM ASYMMETRIC KEY BackupKey;
GO
-- One credential serves both logins of this node.
CREATE CREDENTIAL ServerVault
    WITH IDENTITY = 'ContosoVault', SECRET = 'ContosoSecret'
    FOR CRYPTOGRAPHIC PROVIDER VaultProvider;
ALTER LOGIN TdeLogin2 ADD CREDENTIAL ServerVault;
ALTER LOGIN BackupLogin ADD CREDENTIAL ServerVault;
GO
RESTORE DATABASE Orders FROM DISK = N'E:\from-node1\orders-encrypted.bak';
RESTORE DATABASE OrdersAgain FROM DISK = N'E:\from-node1\orders.bak' WITH RECOVERY;
GO
SELECT name, state_desc, is_encrypted FROM sys.databases;
GO

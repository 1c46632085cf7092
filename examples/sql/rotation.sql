/* Rotation after tde-setup.sql: the vault has a new version of the key, or a new key. Whatever it
   is, the server gets a new asymmetric key with a login, and the database encryption key is
   encrypted again, which takes no more than a moment. The old key stays: backups need it. */
USE master;
CREATE ASYMMETRIC KEY TdeKey2
FROM PROVIDER VaultProvider
WITH PROVIDER_KEY_NAME = 'ContosoKey2', CREATION_DISPOSITION = OPEN_EXISTING;
GO
CREATE LOGIN TdeLogin2 FROM ASYMMETRIC KEY TdeKey2;
CREATE CREDENTIAL TdeVault2
    WITH IDENTITY = 'ContosoVault', SECRET = 'ContosoSecret'
    FOR CRYPTOGRAPHIC PROVIDER VaultProvider;
ALTER LOGIN TdeLogin2 ADD CREDENTIAL TdeVault2;
GO
USE Orders;
ALTER DATABASE ENCRYPTION KEY ENCRYPTION BY SERVER ASYMMETRIC KEY TdeKey2;
GO
SELECT DB_NAME(database_id) AS [database], encryption_state_desc, encryptor_thumbprint
FROM sys.dm_database_encryption_keys;
GO

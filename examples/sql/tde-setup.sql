/* Transparent data encryption with a key of a vault, from nothing.
   Yours: the path of the library, IDENTITY (the vault), SECRET (client id without hyphens, then the
   client secret), and the name of the key in the vault, which is there already. */
USE master;
GO
EXEC sp_configure 'show advanced options', 1;
RECONFIGURE;
GO
EXEC sp_configure 'EKM provider enabled', 1;
RECONFIGURE;
GO

-- The library, and how the administrator reaches the vault through it.
CREATE CRYPTOGRAPHIC PROVIDER VaultProvider
FROM FILE = 'C:\Program Files\keyprovider\keyprovider-ekm.dll';
GO
CREATE CREDENTIAL AdminVault
    WITH IDENTITY = 'ContosoVault', SECRET = 'ContosoSecret'
    FOR CRYPTOGRAPHIC PROVIDER VaultProvider;
ALTER LOGIN sa ADD CREDENTIAL AdminVault;
GO

-- The key in the vault becomes a key of the server.
CREATE ASYMMETRIC KEY TdeKey
FROM PROVIDER VaultProvider
WITH PROVIDER_KEY_NAME = 'ContosoKey', CREATION_DISPOSITION = OPEN_EXISTING;
GO

-- The server itself opens databases with a login made from the key; the credential moves to it.
CREATE LOGIN TdeLogin FROM ASYMMETRIC KEY TdeKey;
CREATE CREDENTIAL TdeVault
    WITH IDENTITY = 'ContosoVault', SECRET = 'ContosoSecret'
    FOR CRYPTOGRAPHIC PROVIDER VaultProvider;
ALTER LOGIN TdeLogin ADD CREDENTIAL TdeVault;
GO

CREATE DATABASE Orders;
GO
USE Orders;
CREATE DATABASE ENCRYPTION KEY
    WITH ALGORITHM = AES_256
    ENCRYPTION BY SERVER ASYMMETRIC KEY TdeKey;
ALTER DATABASE Orders SET ENCRYPTION ON;
GO

USE master;
SELECT provider_id, name, version, is_enabled FROM sys.cryptographic_providers;
SELECT name, algorithm_desc, key_length, thumbprint FROM sys.asymmetric_keys;
SELECT DB_NAME(database_id) AS [database], encryption_state_desc, key_algorithm, key_length
FROM sys.dm_database_encryption_keys WHERE encryption_state = 3;
GO

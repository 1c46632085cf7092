/* From another EKM provider to this one, after tde-setup.sql with the other: a rotation on the same
   key of the vault. What the other one wrapped is never read here: the server unwraps the database
   encryption key with the old provider and wraps it with the new. */
USE master;
CREATE CRYPTOGRAPHIC PROVIDER NewProvider
FROM FILE = 'C:\Program Files\keyprovider\new\keyprovider-ekm.dll';
GO
CREATE CREDENTIAL AdminNew
    WITH IDENTITY = 'FabrikamVault', SECRET = 'ContosoSecret'
    FOR CRYPTOGRAPHIC PROVIDER NewProvider;
ALTER LOGIN sa ADD CREDENTIAL AdminNew;
GO
CREATE ASYMMETRIC KEY NewTdeKey
FROM PROVIDER NewProvider
WITH PROVIDER_KEY_NAME = 'ContosoKey', CREATION_DISPOSITION = OPEN_EXISTING;
CREATE LOGIN NewTdeLogin FROM ASYMMETRIC KEY NewTdeKey;
CREATE CREDENTIAL NewTdeVault
    WITH IDENTITY = 'FabrikamVault', SECRET = 'ContosoSecret'
    FOR CRYPTOGRAPHIC PROVIDER NewProvider;
ALTER LOGIN NewTdeLogin ADD CREDENTIAL NewTdeVault;
GO
USE Orders;
ALTER DATABASE ENCRYPTION KEY ENCRYPTION BY SERVER ASYMMETRIC KEY NewTdeKey;
GO

-- The old provider goes when no backup needs it any more.
USE master;
ALTER LOGIN TdeLogin DROP CREDENTIAL TdeVault;
DROP LOGIN TdeLogin;
DROP ASYMMETRIC KEY TdeKey;
ALTER LOGIN sa DROP CREDENTIAL AdminVault;
DROP CREDENTIAL AdminVault;
DROP CREDENTIAL TdeVault;
DROP CRYPTOGRAPHIC PROVIDER VaultProvider;
GO
SELECT name, dll_path FROM sys.cryptographic_providers;
GO

/* Everything that tde-setup.sql, rotation.sql and backup.sql made, in the order in which it goes. */
USE master;
ALTER DATABASE Orders SET ENCRYPTION OFF;
GO
USE Orders;
DROP DATABASE ENCRYPTION KEY;
GO
USE master;
DROP DATABASE Orders;
GO
ALTER LOGIN TdeLogin DROP CREDENTIAL TdeVault;
ALTER LOGIN TdeLogin2 DROP CREDENTIAL TdeVault2;
ALTER LOGIN BackupLogin DROP CREDENTIAL BackupVault;
DROP LOGIN TdeLogin;
DROP LOGIN TdeLogin2;
DROP LOGIN BackupLogin;
GO
-- Without REMOVE PROVIDER KEY the keys in the vault stay, which is what old backups need.
DROP ASYMMETRIC KEY TdeKey;
DROP ASYMMETRIC KEY TdeKey2;
DROP ASYMMETRIC KEY BackupKey;
GO
ALTER LOGIN sa DROP CREDENTIAL AdminVault;
DROP CREDENTIAL AdminVault;
DROP CREDENTIAL TdeVault;
DROP CREDENTIAL TdeVault2;
DROP CREDENTIAL BackupVault;
DROP CRYPTOGRAPHIC PROVIDER VaultProvider;
GO
EXEC sp_configure 'EKM provider enabled', 0;
RECONFIGURE;
GO

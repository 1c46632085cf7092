/* The vault is gone. Its keys were restored under the same names into another one; the credentials
   are told, and the server restarts. Keys and logins of the server stay as they are. */
ALTER CREDENTIAL AdminVault WITH IDENTITY = 'FabrikamVault', SECRET = 'ContosoSecret';
ALTER CREDENTIAL TdeVault WITH IDENTITY = 'FabrikamVault', SECRET = 'ContosoSecret';
ALTER CREDENTIAL TdeVault2 WITH IDENTITY = 'FabrikamVault', SECRET = 'ContosoSecret';
ALTER CREDENTIAL BackupVault WITH IDENTITY = 'FabrikamVault', SECRET = 'ContosoSecret';
GO
SELECT name, credential_identity FROM sys.credentials;
GO

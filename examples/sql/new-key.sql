/* A key that the server makes in the vault: CREATE_NEW is also what the engine does when the clause
   is left out. The vault must allow it. */
CREATE ASYMMETRIC KEY FreshKey FROM PROVIDER VaultProvider
WITH ALGORITHM = RSA_2048, PROVIDER_KEY_NAME = 'ContosoFreshKey';
SELECT name, algorithm_desc, key_length FROM sys.asymmetric_keys WHERE name = 'FreshKey';
DROP ASYMMETRIC KEY FreshKey; -- the key in the vault stays
GO

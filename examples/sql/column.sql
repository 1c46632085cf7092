/* A value encrypted with a key of the vault and read back, after tde-setup.sql. */
DECLARE @cipher varbinary(8000) = ENCRYPTBYASYMKEY(ASYMKEY_ID('TdeKey'), N'4111 1111 1111 1111');
DECLARE @plain nvarchar(100);
SET @plain = CONVERT(nvarchar(100), DECRYPTBYASYMKEY(ASYMKEY_ID('TdeKey'), @cipher));
SELECT DATALENGTH(@cipher) AS [bytes of the ciphertext], @plain AS [read back];
GO

# Signs the provider and hands everything else to kp.exe, which is where installing is done and tested.
#
#   .\install.ps1 -Thumbprint 0123...            with a code-signing certificate of this machine
#   .\install.ps1 -NewCertificate                with a new one, which only this machine trusts
#   .\install.ps1 -NewCertificate -Service 'NT SERVICE\MSSQL$NAME'
#
# Run as administrator in the folder with the new files. It upgrades where something is installed.
[CmdletBinding(DefaultParameterSetName = 'Given')]
param(
    [Parameter(Mandatory, ParameterSetName = 'Given')]
    [ValidatePattern('^[0-9A-Fa-f]{40}$')]
    [string] $Thumbprint,

    [Parameter(Mandatory, ParameterSetName = 'New')]
    [switch] $NewCertificate,

    [string] $Service
)

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

$from = $PSScriptRoot
$library = Join-Path $from 'keyprovider-ekm.dll'
$kp = Join-Path $from 'kp.exe'

# SQL Server takes a library whose chain ends in a root that the machine trusts.
function New-SigningCertificate {
    $certificate = New-SelfSignedCertificate -Type CodeSigningCert -Subject 'CN=keyprovider EKM' `
        -KeyAlgorithm RSA -KeyLength 3072 -HashAlgorithm SHA256 -KeyExportPolicy NonExportable `
        -NotAfter (Get-Date).AddYears(10) -CertStoreLocation Cert:\LocalMachine\My
    $public = [Security.Cryptography.X509Certificates.X509Certificate2]::new($certificate.RawData)
    foreach ($name in 'Root', 'TrustedPublisher') {
        $store = [Security.Cryptography.X509Certificates.X509Store]::new($name, 'LocalMachine')
        $store.Open('ReadWrite')
        try { $store.Add($public) } finally { $store.Close() }
    }
    $certificate
}

function Get-SigningCertificate {
    if ($NewCertificate) { return New-SigningCertificate }
    Get-Item -LiteralPath "Cert:\LocalMachine\My\$Thumbprint"
}

function Invoke-Kp {
    & $kp @args
    if ($LASTEXITCODE -ne 0) { throw "kp $($args[0]) ended with $LASTEXITCODE" }
}

$signature = Set-AuthenticodeSignature -FilePath $library -Certificate (Get-SigningCertificate) `
    -HashAlgorithm SHA256
if ($signature.Status -ne 'Valid') { throw "the signature is not valid: $($signature.StatusMessage)" }

$command = if (Test-Path -LiteralPath 'HKLM:\SOFTWARE\keyprovider') { 'upgrade' } else { 'install' }
$arguments = @($command, '--from', $from)
if ($Service) { $arguments += @('--service', $Service) }
Invoke-Kp @arguments
Invoke-Kp 'status'

/* What the provider writes to the event log of Windows, and who installs it must know. */
#ifndef KP_EKM_WIN_EVENT_H
#define KP_EKM_WIN_EVENT_H

/* Below HKLM\SYSTEM\CurrentControlSet\Services\EventLog\Application; never changes. */
#define EKM_WIN_EVENT_SOURCE L"keyprovider EKM"

/* Numbers of ekm/win_event.mc: severity in the two highest bits, then the number. */
#define EKM_WIN_EVENT_INFO 0x40000001u
#define EKM_WIN_EVENT_ERROR 0xC0000002u

/* The connector's documented setting: DWORD Level, below HKEY_LOCAL_MACHINE. */
#define EKM_WIN_LOG_KEY                                                                            \
    L"SOFTWARE\\Microsoft\\SQL Server Cryptographic Provider\\Azure Key Vault\\Log"
#define EKM_WIN_LEVEL_ALL 0u
#define EKM_WIN_LEVEL_ERRORS 1u
#define EKM_WIN_LEVEL_NONE 2u

#endif /* KP_EKM_WIN_EVENT_H */

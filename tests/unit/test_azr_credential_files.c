/*
 * Files that the openssl command (3.0) wrote, all of one RSA-2048 key and its certificate, password
 * "pass": nothing of this project or of this process had a part in making them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/encode.h"
#include "base/span.h"
#include "plugins/azure-rest/credential.h"

/* What `openssl x509 -fingerprint`, `-modulus` and `-enddate` say of the certificate. */
#define SHA1 "23:BD:6B:51:15:CF:BE:22:86:CB:29:B6:93:E2:8F:E0:37:6C:E5:AB"
#define SHA256                                                                                     \
    "E9:64:22:54:F3:AC:74:C1:A2:FA:67:B0:0B:EE:B1:02:"                                             \
    "B2:C2:86:05:26:AD:74:F0:60:6E:07:5F:73:B1:A2:7A"
#define NOT_AFTER 4949458124
static const char MODULUS[] =
    "DB2848E082D34B36F550B6783495393CA266C160734234C5C04AD17F530B196CC5BCC038E315D7295067F971"
    "81036133490C65FF32BC36EE1142F6472E105AFDFDE5A447EB1AD52C93BFEC62B04229127FA5835EC39D4293"
    "0F175F25B3CD3803C14253328CDDD13A46544E8EB3CD67294893E4FD389E1822A62BC973D1904077410A7241"
    "B36148F0D82DA9FABBBF1B64E62C3E8091B99161A59945BBF20C9B2BADDABE7181EB6296BBED45BEC503F6A3"
    "F707B4418384B8808E35C34E4B353D2F5D105C1A1C51519877CA2FA798581B70E04D00D580FD9215441E640B"
    "42D0AFED76F91D02B379B9E36710A0B75E74E377E4842457B118F59C67ADFCBC6959C8D5";

/* openssl pkcs12 -export */
static const char PFX_MODERN[] =
    "MIIJ7wIBAzCCCaUGCSqGSIb3DQEHAaCCCZYEggmSMIIJjjCCBAIGCSqGSIb3DQEHBqCCA_MwggPvAgEAMIID6AYJKoZI"
    "hvcNAQcBMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAjte3KonY5YXAICCAAwDAYIKoZIhvcNAgkFADAdBglg"
    "hkgBZQMEASoEEMvbsLVzB5YugnIpmLOthBiAggOARRP6Hp0jbXcXAK-Wz3KcF-oUD_Oqq2L7DEx5ruAD5GTbp2GxovKl"
    "IppRf3NV1LFadz0j6FQ553x2t-mcAaocla1oeeWtFOYPhEVgarTNJoXGoK-Er4qY5GxRvB_dEltjXqfE38reIIl3qgi7"
    "UDG7QaJ86_53N3PtrBBnUmGC65AaH4YM7K9mWbGco0qaFq-QTZTF49Ju-xqGEdf6KjTtif_KzFrLA_azguvUZu6dJRgc"
    "zF_VpgcNvXxd1Rt8qkhQTnuyh0PwQAXOsvVqUfDkXYNyPcG0tb5rzwGH7m0oLymtPlRodL6gOmmJnBweaQxA-ovccN9Z"
    "_GMwFOFFHDZFum888DVYuZHaT0KGpiz9LX492roslNCgDOqLdOEZGA7q5fmhQ5wCPJuvagZdkwt75RzyL3B-Bx94WdbI"
    "9cse6IAbjg3aqRIO1ly9BwjyXw7MTFwE0-zjjyY7ccKhb0twuP7uAtbiAOId9el278BGV1lau6MJkbSrQCpN5t-rUUEU"
    "xXCyHfUJnF8VKPREo3-0aNsEb-lGlyGk4EKk75z0rl8JgYdYYzoAnPqpRjIcyG--3VSu0JT8POndoFhVfVGCWWU6lv86"
    "vRIWrdnh4MO9R15tR5_47secSZ0w1lRzRaUxs1tpJI6aysJK9tzUXifTwo05jK--NfRlsgU_vQDce4BuVXotIM5HN3W_"
    "o1CYi2DibVFrnMPQQNTQ2ERYx_Z2kVpJIBG9yZIvvrKOuQwhXrNpGtqHJevZzzrsqVxbd8CnOkuNXjjgsB4AMrxQH2H7"
    "G7NBAxn7n68a_GwhbyPPTJPfzpOBr8lVLmeOg_uj2GFtwLDWRNi20LprGwWn0Wh8C1Q9AZgR18_-LrbLl9DY6T0XZ9V2"
    "f4qOEy3nqAoKnDLILyH1BaEHsj_IEHqySCBiBO-m-o6aNdCUksRx1l4AM4OupSmjMUNGkwSXfoC6aY32xWF8vUqKeVsh"
    "pfVQ5aFRfFLkCRqezS_WKjVCWXs-eXxfdiG5Bn8llEwv3inAmSTOZpTCDSJoEPy1LGXqBFGBzXbTOkrk5Unks3mv2GRG"
    "IQZDmqT0tsAXJqLB4Z0oCueLjFBQQkYaVfLXqveZoQh6rDWJzckNJdSI9OBWZ_f-NCy3CvLxNLUG4EWgEIoeQuvwtpQ5"
    "oXVOCfo4TrYuQqm5j_aXH3pH9eRv9SyNHqI7fiAwggWEBgkqhkiG9w0BBwGgggV1BIIFcTCCBW0wggVpBgsqhkiG9w0B"
    "DAoBAqCCBTEwggUtMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAgJslAq3hfG5AICCAAwDAYIKoZIhvcNAgkF"
    "ADAdBglghkgBZQMEASoEEJMfRpZrlsjq_pdVGfCD2aMEggTQNQHi5GOVl5AQph0doL2fAHV1ryNd94IWLg2RViRm0WSc"
    "l7n0aDUFPKYW-BIiDJO_yWBJr1PuuvtCqFFBBLSw5pJ1KaVKkL7lXx-rl_YQh8kcE6WJPl_q4PpoG35ssYvm9MQqpfNL"
    "eiACeSz5B89EFREMuQa-2NpFSWXllWKWpShsxsTxt7u4nUPFdEwDFNILju1nGD5RkzhCgX5oOLjrNapnchCPhy7gOLZf"
    "nnDkVot7jbFBehwQMe2ry7IyJL4Szpked0k9pUGWRGNI-GWh1YsmWU3p6G23bCCzxKkdpdDj0kLN5AxggRXRunOy9T_v"
    "3Nko1XIah4Aqg39eZHVrsvx4OIiEWuGlhqm3tgtb8eyKmLC3J1QYIqZ6m53UgiSw-wY4kmRKn48SW6W2hvdLRAn4Hxr8"
    "H04DbExE1nC6VRrK9vvLWxLCq-riuX3fWAX-LtpevkICcBzo9ZROLDHC2Xt2CI-oJWYqL6kRTDVg1tWEo4zGK8af0RzR"
    "9Vfv0NQI-pCX64nXcDlDPLSURl3MMKd-RHYmX6d69QdAXqo_FUG1_3fTxLzc8K7loSrw5mMKWVSeqOqLD2ZKtJPpeaD4"
    "LMUI2BZCcGbVaQR53MiN9TbvL_pKbMIV0u_kYSLV7enC-J5b3S3r2Vi5ASyw9KuLpYdlVt3MgygGE7NWcx3fWrWSwF0G"
    "ElFIiWkSfInDSp6qgkGpRmDyMTZaZesrULZB4NB3zvBmrILeOwTZh4NLikJSopFRQBSc1TO3DQaob8_AMQQ0l1AQmrDz"
    "w8aCVcPpLlJSNYkFhYL-MIdn1OkpIuKe0CtCnAPQrYdMb_TE26H9rukrMmjPLaLpPZX0F8WNBWjD28Si1kt23hPtK6QD"
    "iWfl-21B-ey4G6IMJ7_ak5_nFn7zv5JDeH5dtHrYY2qetddD_wcm0AJsqsOXfAbd5ih0VprrsgnE167u7ke5tkqhK3A5"
    "V8Xt_UYmCFSgmO2PF5ERTJASE_bq4kDZNhl3XOH-Pu_FrVY_p3DZoTa1FCKYus_aJeOMODdqZLL5yKdjnTDUhn2TPHQE"
    "CmBDsWXdubbRrKkyahwXuwm6TdcRuyjI8ppxa6P3M6VUktSHzefsoBgx32IeYPdldJjQ_B6t76QZ-4Kr-wvVcLIDfVCO"
    "N0mm5fQW-r3uRkyTNaSTpyxT5SnnouENRA2NbxmLVwylCqZPZV2pV1xZnVUqK6pHWUFZQdyXu-3IY80SYJBMyeYxdafq"
    "1igwmizPKBRW4qrFfZmaLlTiqtgD4J63rkQ0Gluryo2f0llpbGYS2Nj03XMUnNg5Y-RTGvjab6fDFyJzuKJzusPerpxO"
    "Ude8R8F9zUnK-yR19DPgLOqnuwX2mAk12jKXmr0NgBBK-BlkSYqA-S6cPvRauUm9ctwmwpcMvBYRFzgKoOS8UtMuvfrM"
    "4lR4RcfkefxV25Rx9OvZTN_C08_iWrNrB4SjeKT1BjJh4E7kqiCeFmBuTjiufIBahLceAdd-2uYCy0HYlz0XBjznKWwu"
    "dqHCKBl42OiVXXyys1X5-FQde09ArIC-g3_y2nPYE5Gi33VYNQS4EgVuu83aUHewrSAFGrRt2NLWGAYcYgCGuUi9XbAc"
    "Zfw7J6ghN4X_j9P6sbVm4RQ43JvihpWr8_MxJTAjBgkqhkiG9w0BCRUxFgQUI71rURXPviKGyym2k-KP4Dds5aswQTAx"
    "MA0GCWCGSAFlAwQCAQUABCA6XQLJMn79RmDbgIGmwcB4Txhi5dGBqkA5qJcOmXOrQQQI1xix4hJQL2UCAggA";

/* openssl pkcs12 -export -legacy: RC2-40 and 3DES */
static const char PFX_LEGACY[] =
    "MIIJWQIBAzCCCR8GCSqGSIb3DQEHAaCCCRAEggkMMIIJCDCCA78GCSqGSIb3DQEHBqCCA7AwggOsAgEAMIIDpQYJKoZI"
    "hvcNAQcBMBwGCiqGSIb3DQEMAQYwDgQIgCYBIQSRopgCAggAgIIDeCrMf7RhjamftT6tjURNgK-Fhb0zKWopxPWotZf-"
    "q8Da_01t-VEpnixs7fAg-cG_oHQ9SNM9GdTWHVqnHrXuTpNIPAXjEtWZrgi4jMNmPNtR5yiYKG9sajytRl8Bj7UrFeMt"
    "uzSGHBEA_VGquYBy6MoguXRAVwp8gseNWMfaBTiWP5JGK9Od3itx5rdDDlcOb5GAd-lvIXT9fVjvfPBUJUDuA4Q4ewSh"
    "qG3VSnREFWNWKYRFl3HlLz8m3aQ4B51kyEBBhtDmTlqyvc6Bn6-y07AIbA5ybUoZxb0lf55tPMaZNW0JPZDoKQkBnhSr"
    "G3kqvTyjM9zF2rI8hJqNetBhVwXABllyaXDcd_pWjG5hl6AbiKJpqZqeN8OLtGmsk4ql71u0eYiKPls-9hSu3jH-g5Qq"
    "e8tz1iROWmNEKKdSFUS8LGNHiInBYTvZkh9FI-2TDonP-wi0af0qE2XJLID4qC10uqOj_lF-TqGdFuWCcOCvVYXqwu8c"
    "PJypBSAy8qktCVmxytaWtBn56hUU4nRvYfRT5Yx9kyG10xigt0s46oxonuxSSPpfisQBwH5AJbhMHOS5IL9IirX_InJC"
    "N3Mde2I6MPjA3ZuZNp8e6H7JX6h7qA4jd2mnuZ85xuXNPQ8NUTzLAMgrvBKarU34FY0mgC7TtbcNg83lCaydO3pAjp2C"
    "sioM60hZ0Voa3ImP9ao2TzjsF_dv-bD5Ogz6rFwNlAExAmRGjDrsuK0qtF1OftSuQ8xhdz924-pf6zMI8tBZTO5LHSHF"
    "MuForMVIUwv9MsDI4VKUPqAbGgrBwSZ4IECfOogi_jUHameiPgBeWznrF_5fhbDj23HzV_raYC47oNnHecAYdT886wy_"
    "nN5DAM3qAENfQ2WkjZZr955RU7aYCUUQks-9SAU5yYo0pY2C-xr26oYD5Pe5IprnzDa58qeWc2lPorfSiuGDA22bYXuQ"
    "ziL-QDk4Bima7bHsECABRbDD2DICZEan1DGZp6X9gkSju4998Oqx5X_2DEkujtqWvsx4PxNj4stev2Tz4uyN5UhaiehJ"
    "jv9uPy9obpuKvHn99P3E-AJ5djiWNPIXlrMxIRfa2vDg5XJXjxx9TubgQfLjoqSTaRgM1l21fNTz7ojINVa4i6JseZEK"
    "yXiJpM5r2gLk4z0eL_f83GgOj8d8KTQKcBrIWG8itzCCBUEGCSqGSIb3DQEHAaCCBTIEggUuMIIFKjCCBSYGCyqGSIb3"
    "DQEMCgECoIIE7jCCBOowHAYKKoZIhvcNAQwBAzAOBAgWz-9a54XHnQICCAAEggTI0nYcanD6wvIYdWYf5k7sj22o0UQR"
    "aUchD83hN9bOoOu9TgXIA9Jg5FAE93vhm5L1uRnvQ4-6ywCEcktrwmlSxe7Fc1gqIOyi6HPncB9XVp4jc65MuVPUsNP3"
    "JI_te4mpCLaVy8IBgd2yDZZpX2ayDXGxNjKAj-5i2DZN-8iV-v2wGvvi67QTMF7wVU7g16c_ojJSGhWxGNqDEG7zrZ4M"
    "0rHMQCXhSHte2JO_GT9R9OEhFjG9yP67P6nVy9cuVeous7ELfNZudaR23x5PGbQYQYg6KyjlBtD0r3YFCGNXvIlsiCUG"
    "ThfojJ-d6YoW5YdzKWvCHDxT26HqM3buoXDgvU8PWRcn0uvvF3-XFOBJ7BjjMJ6389LPDIuTVW3VtIQuFGWZERzk3oDu"
    "DfocM8qTIrsf3KYlRaGexr5FW4HLh6ObDEjPYXYuhzxCv_FbEACIYPRq1XPsiyeyl4RqVzv300tRzyzlz1qmOdK8didi"
    "z6bQfpWCK-2xXcOFDQeYLRqtFkBp1lV2kGR3sjbSKt3ZeFKdowWC4yjO-J1_fWOoVDB8wh8WtIP6XpejNjBoGY-KaPAF"
    "YpHIZFebGektT-kM90EHPUqhKWAbm6NTcRK1aPwe18cgNtl5k3wtCQoSoKZswkcE3ktKBPRyUujNUYjU4HurSr-zjE0F"
    "5k9MZiqSM715E41Gj7HPvym4P18PM2EvytM4Oq6pmBLXZqv1jppsJo6EOH1kMBskuD4s433vAtvSDncF4SX1beQWbF1_"
    "Sjshbwn6Jps4quUM0ARBy3JZGk_IdO-HZNFf8noBim2KiWKgzrWOABwx_81rhRlUIspbjfKOHbAoLw6rDUQxDZDKBPrn"
    "SgeKzwWxV_dMIeBopoQMOrNZEgootYZ3NBKoWur0ebo1CKFXBQTta4YDoZ0KH0hQuLRPpaSNwJPLcKSS3iOn0pvC4aum"
    "haiw5oyTiZFU9WrHFEG-0LGb8yQHy4Ut6sks1tEjjJhr21uvVFXpDUW1YdF9YJSH8WtjHQp3ykxQngspwCsYUPDn8CST"
    "A8qhXlGbarERyhWmGdcNF-X-UizjGqTwtP2POMOzeLnBcqDGfieOt1a9QsHFqD9QKBXIR4CIEaUZmZp55ybQXNfKTYnR"
    "kXEdiCvIapO4FtXQhcMk5h4oduxrwAZBxE-jCvT2Rr5MjO28dwehTqJlCQ6U6JX54Lj-Id-RTGC223R3nqaUkLeYKXqG"
    "vHauAUIbMsAVDiKUMZH51Kyr3ext6_u6r_fmyxIRQgGH23siAuz3N27Q5B69IYl8aUjdndNm1Fp1Gw_faxDPiZD5v0P0"
    "l1dUM8xTAgrXlqcOWrN3KVxbabWuAav_QEV5lieNrA20iq3zimxLsONI6nxc0FfcyTqAYXrN3rKvegBRPQxAC8C1TL1Q"
    "8PoxT-tCx7sLmQGL5pcM5oXFTdIcuNWExeL9GdHU7sefjw2C0bDq_EMdmiWo6FKabrZc5fCJiSco8syi3__isBLHt0hM"
    "3W4KZDJ6LPuV-ICqIJvxT76cfAD_MYZYlMDT8OMrnxNJHizwjwGL1XT3DlshrhIb604lHp5wWFP9zGTRX6mCAr1qvfPa"
    "X9wggx0yYlX-XHRXZz5XmqpIwzj1gmJb7NUN06kBMSUwIwYJKoZIhvcNAQkVMRYEFCO9a1EVz74ihssptpPij-A3bOWr"
    "MDEwITAJBgUrDgMCGgUABBTafS3dls6Ly0QE6xSoVQEYFZ5opgQIkC7eQ4XBbZYCAggA";

/* openssl pkcs12 -export -legacy -keypbe PBE-SHA1-RC2-40 -certpbe PBE-SHA1-RC4-128 */
static const char PFX_RC[] =
    "MIIJVgIBAzCCCRwGCSqGSIb3DQEHAaCCCQ0EggkJMIIJBTCCA7wGCSqGSIb3DQEHBqCCA60wggOpAgEAMIIDogYJKoZI"
    "hvcNAQcBMBwGCiqGSIb3DQEMAQEwDgQIJUN1KM7pBqYCAggAgIIDdRlkbR_kxlNaer1xM8YbnNXVAyCdjaLmfXV3IdVt"
    "yJCmU_fAA00nQ71BTGg_u5SGenZs41IiIlhFrSc8k_hMOVhc4fADTUgjYLeJ9jSHM-pEIe9hmZTqHiGn4t9-T6quETu_"
    "UY4RG7pbRv9xN2J-gB10k8ukYLgOEFaxRZs0EvmiMy3lIupbKZCI74vdkvmERK4-D2Hf0zGbhzsnjd4hgsGbNp_kV-t4"
    "-EC92vQq-u6z3V3WUx3GFfBGXLhywfwJYNuCJUECWT5OUkce3hZnBvluBdE6ildxWqsUpUevagI5LKAmOynC3Rus3s3n"
    "pN1sOfO54Xyo5b3BpvK8hv6f7N-w-LtFLD3n223h3n9pL9w3XUBLsStxQQqpArBkWol9NrLvT2kbiN9U11YaJPZqm94Q"
    "HbsgyETcQ-v4Zp-ni3umcO7ehaeuIahhRXGylAdyrHsxXueMfqtpk0Dg86cWuNJo3hIsrYMxC0P1g8cGuu5dIJBqd8fj"
    "ZFbrygJEl6OOqimGxj2QLWq66zByZHcFgNM2Xvd8v3m8OFmfp0GTehGcuSc1HaIEJT_-fuAcPZye89NofqOOxRBnwKXl"
    "X558Gzkld0C1Cz3GbgDqMbkD21s7wFcNWcxnY9mljc2aH5MjOjcxOB7mjv3dS2_3HrB2U01rWrq2oK2tn3JtJmTc8FOi"
    "ptaLSL3pHD7C1ssS_uFCsjunkEj-5e8KyrEvgcEHbjq2ytN9vg0Hb449A-ct5UjZUrNlzVfkRQAcFXAHWR3XOrezzj28"
    "aV3dmVpWhz31pnKLCFT5EowNMxzUsTVAZlMTajedvactR1MZzMqxIgKu7d5zuHMS0ZuHNU3AJ3WKl6Kg71uo5Edjd4xX"
    "bYGk5vYqxGPOsrWICOAQetuFL3fd4zDcgze6_4cmEcH36iADpaoEJ4nkollFb3wR7UfP_1nAKb18UrWBKcqRsdZ-4J09"
    "Nt5zii_ykWwQQULtzxOkpEjWs3BpHWDBOb8bXsqirufHIIe2XI99JEIc0rUxPiGyI-kxQGo6jdNeOKiud0YTACN1emqq"
    "vA5G8wpvqEI-6acees6VlVUx7-3EmskagMeSQPypRCGTsl63JBfHpHnpP5AUX9pEyfrfUmc72QErkp5P8AfoiBhlRl1L"
    "Mbwe9ou4L96ccOwMYZ3VM5N9fbpRRFkQ171xLjCCBUEGCSqGSIb3DQEHAaCCBTIEggUuMIIFKjCCBSYGCyqGSIb3DQEM"
    "CgECoIIE7jCCBOowHAYKKoZIhvcNAQwBBjAOBAgoFuumWtlOswICCAAEggTI7BphpGWTaErAq4xdjAg97fthcaYjeTzV"
    "jVXtij2tFqnwO2P_1Gsc515YlgvzFMOmO4SlGneYQcaBzjB9UEhugJ2XlU0dzkeO8BqnYjSPGVBmGrm8nWy0iAXfFbZ0"
    "OuF5hryJQ44eHfk6FogtMtmhwKmxd-NKdf3rVfUM-KO3xusr6Iv2dtK9pYcbRCTna34wspI1rVS0_gEceDsVc6OCqc9c"
    "qXJ-oy5UVFOQr6k-QVbuBuhlX4HRhuSIb8pswHdWQ7AkTphqq0G46TzDD3mGjkVKBqAddE099G33DH9pkoj650Hq-bEF"
    "oQ8Tj3285wAWW9tzrXVcD4D3Tq9DWYpiG90hnuvZiCRX7i5z3CcO8LT08SM-kK4uaogxheX9L8Iabq8s1T7_AkZupXw8"
    "vLFSJ-98zjbI3Rya_arA5eL_0ejWkah9q-zLY_eXxyq8_xHwajbCdzLmEYkIn_RqGhdqTv8_TmxW9xxfXqIOzS_u_Rg3"
    "FLmKPzozcx63FkBfKcVY_9DzuVapI5VpD3Pp0Msdh8nVbXizdwptgEGRDPgAcYCMFKNTzvO2cKqpWVjmuCXY0lyT5eUB"
    "z_QqOcWuPhUm_jpLgFbMNBxKN2AKaKalQq5-qVY_AP-l4m2PdtiP1ZniBSehnTcrgf1T6cOtXSV_MrYSu6DofZI3cE4v"
    "rDkBsWOL5TW3AENQdBtOfY9_8KRkdPa7V-hlZvp4rkyL02WRdrJJvVCl40tSk0jW59GpEiadw-R2Izr4g-bJ4lQtGW74"
    "pqVlbxGNQW4h4tnlyiIqBbugF1NbRrZ4sqjEs8KWRZgS30NfLsTxn2yXfnincfL00GLVuVyQlpq7R44Fu3LINkc0NDco"
    "1lnmk2piHwQFsTuzS2WRWsCfgnxxftGOxU5uOm8dZH9jDrYkQJZlCFfaEb8urAMlNrF3IxWF06WgzkKRBolR1SqZ2LaM"
    "PZkjQ9xfnytsVoaE0O5DNQB1N994hzbETysGSdqpJGaTbgicOLZas14hqti1IcPTnPmerixhQQzgJAi7uifWpL01PS_k"
    "TED6h31XNJ8IAEz5brlVDlfLzeRekverx2pJc6UTw6TJbCt2W1vQtGC1Mpzhz33EiqjMT7aoz88e4LW84eIGdjI8PXqj"
    "VL-jOzx2npzybqi8LHkKGI3AUMJ-tioxVohI91GABfULSgiIlJ7aRbZtEVpj83gamLxGdh24vuHBE42ugRYb-R_-X9PM"
    "WtWmBCN0y54R9NjQK9eerI035jSWFVbPPmHdU-vuMY1P03Z5C1UsFsR18DwxyCuLf7wb8cL_bfuySvvR6RnGGptRMk0w"
    "ueufWSsKmqt0xA0yC6xL6xrxTx49tPP6bI2AKUChs-4Bfy9f092-nqZfmE7QShd9JuQwteSES0Tsq67iYFUYU3e6z8jk"
    "b0Z1SDwrzIQsxYFqZITUQDInnQLftztP1BpNQVpmgrzB9nvR6Bt822b9Uipjf9LWiNdrPAsBmK1Od4YD4lsw8eb-BS4G"
    "KqLJL9b6rD_ce2WiSbW0JyPdz9xwmPJyxN55WwSLUpKVC7fdm8lFCECmRVecHJ0lKk3LgbncgTiotXuiEgFa_PTjssYc"
    "aN7clxsRG16bLBYdtUwztnTW2cPcWJTpVZLPMSUwIwYJKoZIhvcNAQkVMRYEFCO9a1EVz74ihssptpPij-A3bOWrMDEw"
    "ITAJBgUrDgMCGgUABBT8TUgtMRHxT35hgLGvdF_WouRwXQQIIoaXNpFCglACAggA";

/* openssl pkcs8 -topk8 -scrypt */
static const char PEM_SCRYPT[] =
    "LS0tLS1CRUdJTiBFTkNSWVBURUQgUFJJVkFURSBLRVktLS0tLQpNSUlGSlRCUEJna3Foa2lHOXcwQkJRMHdRakFoQmdr"
    "ckJnRUVBZHBIQkFzd0ZBUUlGVHRHZ0dVQTBGc0NBa0FBCkFnRUlBZ0VCTUIwR0NXQ0dTQUZsQXdRQktnUVE2ejRJQmFQ"
    "cFd4bDFtTDVJMjc1a213U0NCTkFjQTFjZkZJMCsKdUI5b2oxeDdSais2VGZhUVFRUGVKUkRZZUJqZWwvWE5oT0lEeTdz"
    "UnEveVJZcGU2ZmFDeEU5cDhFVEV3d1E4agpqOTlncGhnZmdVR0U4SzJEUnhGMDhNK21IaXNhZ1VoTGpHVnRzcEZxbno4"
    "UnJnckFkZ1Y1OXZnMGk2YUNWamdUCk1BSDg0ZDlPbEszK2VOR3A1aEVJOVlvbG1pdVMxRXo4MzNWdVRyZWd4aTZRRWg1"
    "VjB1VnM0WmJBbXphQURib1YKa1d6WkEvSndEOHZZcHdsSjJQT0l3Y3R3K0tuZjhweHl6Q3BUSXkzb3pDNkpicVY1QlRw"
    "Ui9Ed1daakw3ZFhkbApmczUyRms3bTNpNkI2VzRwUFNEVWZaWit0WGRwYy9PSmJCdnhPSW80L2U5VHB3UklEU1BnbkpK"
    "YU1XcmtKdFQ1ClF0bHN0Wjlzd2RKUjJNWGVXTXlORGFMbjBsVjlhR0M1bFdjaXNQWFMvcVNOSGE2K1JuZDZsU0RCN2Zh"
    "M2VCMmsKS0JibnNWQjZOTTh3SXRIQ0dsU1VCakNxS2NqOTVzTTZkL29LS09oUFNMelk1U0UxWFpFQk9TWHpTdXRiWjBw"
    "YQpLYjltSmtkaUVqTjJzem9EREtFeTcwN0VkWFJCaTRoSjhIUWpKOCtyb0lzb3ZSS1kvT25HdGtOdHc1MUQyVXBBCjh5"
    "VldSVWx1OEdZbEtzMkMrYk05dk9vRjAwRzhucTlRSGJ3OFlveVdjK2hnNWpocUgxMkJZTFluUXYySGNHWUcKNDhCalQy"
    "eEpneUtpdXNiZ2ZYUnRDQmZvRUI2L1ZsV0ZYSzN1Nms5Q3FkS1NEQU8rRGhoNWVoTDJjbGM5Qm9BOQo5cXJUMmdrY1g3"
    "OFdJb3I3TmJrcDdzVUJ0bFM5UzdRTEpzS3lHS0creHRmaE4rcDlRSzF1VDZaa2FXakhoS1JVCnZ1dFZibGRtcU5IZVdq"
    "dmVnZ3VvMVNzejk4aUNkVHViZzREeUxESS9XVEQ0TS9zc2dqdVFhVlF1c00yeHgzVk0KcTM5TFB5VTh2QzhYQ3Q5UGVT"
    "U2xoNVZjMGp1Q3VzTzJRTU50MjViam56TUl6aEtQMk9vSlRCbFppbUlZZnFqWgpxNjYwR2xBMitIZndzZHBNV2pqZHYv"
    "enVzdFc1K3FrTHN0bjlEYmV1VzJNTzBHV28ydHdlQjBRa0NicDMwRnE5Cm5VWkQ5MjFaam9rRnJlTndsSG0xZ1RkTTJF"
    "N2NGSjNPQmxXMWd5MXRFcWcyNWlpbDRabGRWQy9ySVAzOFhWQUIKU3dGcmVQdVVvcWVJb1VrYjlxcnR3eUZPZDBhMDMz"
    "WjFmaWtSS1BsRmlXQWZKOXQzNjVUMmVlUFpPcElyTGVIUQpIQTVESVkwWVk1NnlsK0hTbUhUTCszNllnV2FMd3FZbUYr"
    "dUEzeDhFMFpwTERUTmFDWUZuRzk4b1ZlWjV0OUltCkFFVXBSejJGRDlUNTFYelNJUFV5WlNmTHIvRGo0OU9wWTRFUmJH"
    "ZVV0eEVzZFB5a3Z3SXgrckFESFQ2eG5kNksKejFOTjRsc1NDalp1dm9QMFdnaERZcEhpM2YvcFV4Tm9SN0NMcFF1Z0Fu"
    "Yk5WSFhUdUlIbE56bThDTXdnOE5TVwpvWjJQZUhlcWM0WG1hM21kcXhMWkY5MXR0QWdHMkJTZVB2RUNScEYrQWtnYTN4"
    "ZjNOK0pUTmVTMG9ic3lsQ05QClIvQUxHVmZSYXZkZXRoWWE4K094eDllOWtPSzFmY1gwR0xrejlBc2s0d1FqSTFBTWk5"
    "Kzk0OU1TeDVYZEZXRzkKbmxsNzBpT2oxb0Roa0hsUkNDNXlvbVpid1NIYS90RWpFZncxNnM2TUFrZVNwVExtUDF3dFo1"
    "ZHByZEZ3bk5rdwprbVBjWGFpQUkvdmFNZ2Jaeld2R2xpN0x4UHZJY21YYzBXb2xCemRTU0JsRElyMWNPMFJVaURUNkJw"
    "RjFoSWtSClh2Rno5ODVUR1BGT3YyQ3JYMXlRYURHSUEzb0cyNVZvNEUwRnZZeVJVODhxcy95M1FrdkJmTkJHZkJSankv"
    "ZkwKeVpKS3Z0dzFoK3ZBRy9yckdMVE9nUXdyREVIZHZIYkhkelRmMzJzM1c2OTloaW9EZ29INm1yeDdJa29BaHB4Sgox"
    "SXBuTHpRWlBXKzYvKzN6djVCMXZSdFFoNnYxOHI3TGxBPT0KLS0tLS1FTkQgRU5DUllQVEVEIFBSSVZBVEUgS0VZLS0t"
    "LS0K";

/* openssl pkcs8 -topk8 -v1 PBE-SHA1-3DES */
static const char PEM_3DES[] =
    "LS0tLS1CRUdJTiBFTkNSWVBURUQgUFJJVkFURSBLRVktLS0tLQpNSUlFNmpBY0Jnb3Foa2lHOXcwQkRBRURNQTRFQ1Bj"
    "b2k4S2JKNzJkQWdJSUFBU0NCTWdoNTI0TTFqRlpyYWllCmExWXpnRHRXZktQVnlzRmxmelVJV0hGRDNsTXV2aVUvMU4y"
    "UXpiY2Y2VFFCa2lyZlZEdkZ0elU2WGhBOXJ4WnMKRGJ6cTYwb0Q5V2Y0SDZvcFVOUk14Yi9HbEtLRzVUaEtiSS9xQ2pa"
    "RFZCaE9Ya201SnBQUDlaY2dyMWhuZm1vNQpGdDB3S1hsbURkUlpEM2JsYjc2VUprem9vMkwrQXRwUDREdTh0MHl3ZFpv"
    "QTdMWXhhTDBLdk5WNkN6RE9HOGNlCjNXeDBGMnpmTVplUzIrRnVSakgzK1hZNTdVSHl5N1NPS3F0NENEMjFlUlJUclVN"
    "c3FBY29SRkdJUTZLWnQ2bkkKZS9wYlgveXNWeVhPSFRPcUVlUnZXMXdxQ3pHQ2VuUDZRUWZYL3g5b0FRVEk0cTNURmZM"
    "M04reURUZ0NhNnF3Kwp3b2REZGdlSERSajltenlHeGk3Z00zWE4vem5RVEtGMVFOdUpFMWhaaTgwWXlGS0dJYTZDMytU"
    "WnFLMFdHbDVaCmp5TE9kWS9yRW1JdytLOS9GYk5HUlRXcUd2VWdvM1czbkR0cEFsZWVqb3lCVVlrMGM3V0pwQm85T0Iw"
    "alZiUVcKNHd5YmdSVndmU1FFMWphWlFKdG9IK0h3R2tYK0pydnh1OUR1UmZTeEx5ejU0RFdjbU5xU2xvSmNJdWhGWlhs"
    "cwo4VkZPeHBSUWh0MG9kMHoweGRKOHFLZGtpRnNzM2dhdmhCNjRROEFLREFOMExmdnlDbHVTVXptZ0ZBZjhQaGlSCjFL"
    "NkkwN1B3T0d3OGdtK0JDdEI1WXZLWk5zQXJia1BWejRVU3lmT3lOYlppMWdKc0krOFpaSlJyWGdzL3UxTkwKWllnVkZO"
    "V3hxdTFZR21tR1NJOTZTb2xhR0prcWpPZ0Q3REtMN2xGL2xlVVhYczhpNDhkeGhQNENMd05QQzVMZwpxQ1J0dit2d0dk"
    "VlhoakJaMWR0SE5PNGh6RmtOcjNIWHkxZXk2eHVWRVVBUVB0K2J4ZXFJY1EyWkx4MzZvNHpBCmFtY3JoZUlLRGVoQTVz"
    "MFFnNW9CY3RGUFlpZk5IckRNNUNXSWk3c2t6RkJrTTBWQVNIZ2ZnN1lreEtNNFliODYKQW9UMFFjMnVIY0dSQnZrV2FP"
    "T0NBY2hxYXVVa2x5Q2s1dzZlRXV3UGFsbEJ5eHVabkZ2Mk4rQlhDVGxudjNqTgpJZzJtakUycCt0b212S1QyLzkrRUxB"
    "bi9hNmgzTjd0ZUZnUlY0T2pYVnZqeEJ5cmk3OFFBOHNjamRSRUVXUXFECk8wdFRvKzROQVk2aWdPaDdJbkZOOENxaW1M"
    "aVhwR2pUK2I4Qzl4M1oyK2g5amhJSXgvNitlY2pLNXBRVkwwVFAKWFRFbkhENEN0VHk4OEViU2Znd3ZiOTlxcGovVCtL"
    "eHlxamZNUlJkWWdmT0tHZFpwOW5XWVl6dTVPRUU4RXFzSgpTekR6MmdzWHlpa3lLWWMxOTU1bXVUZlFmaE8vU01kUGlk"
    "czN0YldlSzJMNC92T08yZTFydkVVc21QNGtiM0x6ClRuOFZSWnFNV2VmZzBSUHNnMTVxVi9uWURQSzh0RTFtQzRSb25s"
    "aDZIUC9rUXlNbWF3K3FJWW5yam1OajloRGQKWnVjT0RwMUFodGQ0a1FjU01RNFVlVkU2cTZIYVY2a0w0aW9NemdhVG90"
    "NWZhY1BvYVl3eWtWQWpheTFyNzRNRQo3ZXVqd3l2NXRwSTRPbUhiclRwbDlNdXRuam9RQkxwd2ZDVkVNSFlWTEhRSnhC"
    "OGI2UnNSR20xZlRZSFd4TFBxCjFKQlJOVjBncWxqTGdMQnZrVGJXck1IRWZQOWhhM1JJc05jT0FVT3RPYmVsTnVMQ1Yx"
    "cUJGc3BmR2FWdXdkbUkKWTNvRm5LQTRLVm85eTk5akcyei9YKzNUMjE1Q1JUVWFIczR5OGFkY1ZseDZOWVFQcEhCTHRM"
    "R0tmdFB1S29oSgppNFpmaHVhQmFxc2NEdWhsOG9vcHloWEhzbElJUGU2amwvbVp3d056R2ZWUTdrYm8yQk9JWVhrZEFU"
    "NUpwNFNTCkpGdDVqSmVrU29ScDVXOC9xdUdUNUUzd1ZtQ2pSR1pja1c4WDlBZDFDNHlWdHlkWVdDUGdwVEo2S2pnc2Vy"
    "OTkKL3dDdUNvekE1R3M0bUZ6R0xqST0KLS0tLS1FTkQgRU5DUllQVEVEIFBSSVZBVEUgS0VZLS0tLS0K";

/* openssl rsa -outform PVK -pvk-strong */
static const char PVK_STRONG[] =
    "HvG1sAAAAAABAAAAAQAAABAAAACUBAAA3jJChi7FTHRFlUDxC0zI4wcCAAAApAAA9MxV5iecw5eur4fYksJ6SDIiydeK"
    "FuCObJ7MXoz-7HSdn9ZGMHrwBz_Ug05sHhbVhP9Olk0_AFvU45dmT9ZXemd4f6e3ZuYl8mcKLIgJKIDj_70BHftynjY5"
    "i9leNRRIg0HLI_cE-gPNkP494gwrdUhSNryHNMc6eizstmK8Z4FZBWs-LDxaz2krDA8CF5HWbhiiAaKRLnWp7KdJi_mp"
    "OEOuCsrFiRkT4WX82gaCJNFrW0SjaWpDnxRYBB7rsFiVKAsUvXeSR0wkizwB6lpuwx7_K43QIqFWmqDJCEd4JpM11LX6"
    "oUHJIcvFkDOEqmyXKQc_-OaKh6IDpTSYXLXngO-RDk-g7ujorKasJyl9QuKBYHUJuwLI_0_oBCxEDZzPxSc3Pvjdp5yX"
    "vvvpO4WkDbkEMO4TxofQbaN_7RW0n8CzaXlHhK0VOawCo1w5hoH6aq9LvpIzhupvaq8EbuAFuPstP-pUBe-mwAx2HmxH"
    "f4T-FK7sI5IwStkWUtQF1j5NPP_x5U7wwGdmjriFtW_5bF6-WdVOB4nDNME5uPjrgIykCNzyv-dSiL5htcG81CQFfbkL"
    "qbqS1zWI5rWEnd4ug7KBid8s_RvNxU6dQ1BE-Uxv20aJ4xC8dj_IwDUyefmxwtSh4AyULPuEEcyihAAmKf940R8X17jW"
    "HCyoV2pYGPEDWbcP3jg7FsLclpppg0qPK6zj-je-Uqkfq8GuMiYseoZNluoSJYr1_ya9B7o3NGd0nzt1YYJdF0gFuxdy"
    "3ibqs2O0_bjXao3YnAV4_CJWHl6KcFKLQTcZ2YToFqMSaTLFs7mGmDyh22BoyelVI3-fA3owsxluIS9MR4i1PLrH40hU"
    "1c7odKhdOGG1AI6-h5wyIzcVLJ0QNGPOT4PfIYvtGlO-oOTkxNopu4SEL6pbBWtYEkSdZgUsWZKh8CLA_VqFnNURYQyU"
    "qal8U2vgwYcLJBvegqSZiZMeAelpyZXqfbY1nrqnc0x34OvS6cMKfAdORFumb2YnAxrmQIt5eiMnXjlacw-XD_CJhlo6"
    "fvhOw8WLh7nCXAQhGlhIMsjlGVLaTrxgn-jeADUeiaUYg6z_8AWFc5KKTaCo1Hg9r44hRrPBUdeI-8XCxbySkVNkKd2L"
    "uRwpFm_kIsPCMsIkA_1chU02Oez553c2DOhevYvb2I4E14pLA9QhCZyTlBQxS9wF7jrWnGHP2u4u-_LJkqtZ1W44Z4Gq"
    "MZmMGeBslVZCiema-eTFvUVPSf0p04NqIK-9nc_UdHmj23EXMbaO6pNqT9km9nmvGT_nvk9TppYHPM0YA0Y6sJ6oL5ON"
    "pj9_tcJ3GbpdcxXPPibv50wER7hGLKnCaG4yVzE-2mINXIcNVQlpWoudVIPp_KQA1dkJYrDj9CWKDXXM0c-_yw7arboV"
    "T2EbftsXPvCaQ_WlJrW6uXVMvssPYHoLpM4YFw1TyeraeP0MSlGvd_EQRPvbOucO7uvk5L_0bWIKR1fi8WVXPeIq3Jkh"
    "XbOTIYZFVWMgXxlnFjvIJh7OYPVeARhV7dJVH2XBM61CKcyCOXz7";

/* openssl rsa -outform MSBLOB */
static const char MSBLOB[] =
    "BwIAAACkAABSU0EyAAgAAAEAAQDVyFlpvPytZ5z1GLFXJITkd-N0XregEGfjuXmzAh35du2v0EILZB5EFZL9gNUATeBw"
    "G1iYpy_Kd5hRURwaXBBdLz01S07DNY6AuISDQbQH96P2A8W-Re27lmLrgXG-2q0rmwzyu0WZpWGRuZGAPizmZBu_u_qp"
    "LdjwSGGzQXIKQXdAkNFzySumIhieOP3kk0gpZ82zjk5URjrR3YwyU0LBAzjNsyVfFw-TQp3DXoOlfxIpQrBi7L-TLNUa"
    "60ek5f39WhAuR_ZCEe42vDL_ZQxJM2EDgXH5Z1Ap1xXjOMC8xWwZC1N_0UrAxTRCc2DBZqI8OZU0eLZQ9TZL04LgSCjb"
    "excCNS6RLvoX9MPLLx-6q2BiCoPwYcXQ-nZWc4ntDBY_-Ti2UqltZ-SQZKwFQLpp7bWyzylN6M1gVtV7n7-oytaz8L-h"
    "nlzLA4V4BK1A6dOZ2h7Q_i5hr9aJHubVhzgGF235_MeaNolnhBZiFDBGIEfyuAZQFIofSHU-hEUUlvnvh8yUBcSrSi8U"
    "2x94lblKjbIhZmqg_jq83Hky1Ys_i8Kt6MYBo3CrVmZqlyyAehgWQu5RB7wQ66gdNj7S4-DIyYcXUPDXS9o6pdRdAEWZ"
    "0uu1Erei7lKqBkZh3C2QrWewqUzvcuxMMSCiFPO9vWa2WrOr9vV_wBI_Clrh4wbK4Km-cxfoIGzjaCXbpxtG5lmwaQhe"
    "CdLjjMdit4xb2s3VhTD4Y1i18abg8FHFvajnSLpL25rVngpYPNbpSWNZ3FH50DI9EMe8VrkTA5eOgXWLRbkinpZQf20J"
    "OE94E8jcs3pad9dLeKcuODnCo6QGPkcxytv2o1UgF6BtK-eKMOHCLYFip9VySW6_ro1s4P8By5oyf3XBuOf7-CY5ttD-"
    "KANJd8jjuS7_L-rNdPa4khEEL1fV00t1AX6rr8yZJ1oPv-MEtZSIXz4zqMJ-9TzCUFenllo28CMMnhlPWr3rJbc0iHpc"
    "MkGX3u-c80ILo21h5Da8XJNHrX9jI7_eKrzwuYABUxt3UKHhoGn6_ns564xrmQOXKR_DafHC58OjaE3ieCmtdtr0iwa_"
    "V19bALH6PagA0XttnvdCWzl_LaCdS3dqd9ypoAnK2mBOg8vPo9KjD3NgNFodfrpkW4aWpLg6VOD_Juz_P-BtiPjldtw5"
    "VVoOud9Bj0xIhURQMYaN0K4F4i_kGQvhiwIXa4gUYCgEHRSLgkN-Y1iL5BKHDfSfSkIROzCIWo5H9n56aWw65c4VEfr0"
    "2KLqrbBuPQPWDngUnpsBO93yPg_rz5rNZ0sql22xdoYdhxWFda8lJRfbDDBLE7isMY0MMdClyJ_EHFDG_mMFQQKPGvKS"
    "P8Fdn9GOXwIIZ44q0Q6ohjjUWdYCNOXhGJagbwuio8IRAcEbzFbh86PN_26BuWGFhQaZ75sJpj8KhXUq7dYVJ-hw9l6O"
    "B5qhCuhUpThHrGwhLE_tQY6M8Wn6dl7wsdQN4RkbKL2LR2ahnPBhI5kGVzSUgk3abD403r_khl1cXOE-aR2USvBkjQA";

static const struct {
    const char *name;
    const char *text; /* base64url */
    uint32_t container;
    bool has_cert;
} FILES[] = {
    {"modern PFX", PFX_MODERN, AZR_CONTAINER_PFX, true},
    {"legacy PFX", PFX_LEGACY, AZR_CONTAINER_PFX, true},
    {"RC2 and RC4 PFX", PFX_RC, AZR_CONTAINER_PFX, true},
    {"scrypt PEM", PEM_SCRYPT, AZR_CONTAINER_PEM, false},
    {"3DES PEM", PEM_3DES, AZR_CONTAINER_PEM, false},
    {"PVK", PVK_STRONG, AZR_CONTAINER_BLOB, false},
    {"MSBLOB", MSBLOB, AZR_CONTAINER_BLOB, false},
};

static void decode(const char *text, kp_buf *out)
{
    kp_buf_init_secret(out, "test", AZR_CREDENTIAL_FILE_MAX_LEN);
    assert_int_equal(kpb_base64url_decode(kpb_span_str(text), out), KP_OK);
}

static void assert_key(const struct azr_credential *c)
{
    struct kp_key_info info = {.struct_size = sizeof info};
    uint8_t modulus[256];
    assert_int_equal(kpb_hex_decode(kpb_span_str(MODULUS), modulus, sizeof modulus), KP_OK);
    kpc_key_describe(c->key, &info);
    assert_true(kpb_span_eq(info.n, kpb_span(modulus, sizeof modulus)));
    assert_true(kpc_key_has_private(c->key));
}

static void assert_thumbprints(const struct azr_credential *c)
{
    struct azr_credential want = {0};
    assert_int_equal(azr_thumbprint_read(kpb_span_str(SHA1), &want, NULL), KP_OK);
    assert_int_equal(azr_thumbprint_read(kpb_span_str(SHA256), &want, NULL), KP_OK);
    assert_true(c->has_x5t && memcmp(c->x5t, want.x5t, AZR_X5T_LEN) == 0);
    if (c->has_x5t_s256)
        assert_memory_equal(c->x5t_s256, want.x5t_s256, AZR_X5T_S256_LEN);
}

static void files_of_the_openssl_command_are_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof FILES / sizeof FILES[0]; i++) {
        struct azr_credential c = {0};
        struct kp_error err = {0};
        kp_buf file;
        decode(FILES[i].text, &file);
        if (azr_credential_read(kp_buf_view(&file), kpb_span_str("pass"), kpb_span_str(SHA1), &c,
                                &err) != KP_OK)
            fail_msg("%s: %u %s", FILES[i].name, (unsigned)err.code, err.text);
        assert_int_equal(c.container, FILES[i].container);
        assert_key(&c);
        assert_thumbprints(&c);
        assert_true(c.has_x5t_s256 == FILES[i].has_cert);
        assert_true(c.not_after_unix_s == (FILES[i].has_cert ? NOT_AFTER : KP_TIME_NONE));
        azr_credential_clear(&c);
        kp_buf_clear(&file);
    }
}

static void their_wrong_password_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof FILES / sizeof FILES[0]; i++) {
        struct azr_credential c = {0};
        struct kp_error err = {0};
        kp_buf file;
        decode(FILES[i].text, &file);
        kp_status st = azr_credential_read(kp_buf_view(&file), kpb_span_str("Pass"),
                                           kpb_span_str(SHA1), &c, &err);
        if (strcmp(FILES[i].name, "MSBLOB") == 0) {
            assert_int_equal(st, KP_OK); /* has none */
        } else {
            assert_int_equal(st, KP_CONFIG);
            assert_non_null(strstr(err.text, "wrong"));
        }
        azr_credential_clear(&c);
        kp_buf_clear(&file);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_of_the_openssl_command_are_read),
        cmocka_unit_test(their_wrong_password_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

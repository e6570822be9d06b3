/** A root, and a certificate that it issued; both good for a hundred years. Nobody has their keys any more. */
export const ROOT = [
  '-----BEGIN CERTIFICATE-----',
  'MIIBdTCCARugAwIBAgIUJ0BIed9002W8VwJeyYBmqhrmHvMwCgYIKoZIzj0EAwIw',
  'DzENMAsGA1UEAwwEcm9vdDAgFw0yNjExMjEyMDU0MzJaGA8yMTI2MTAyODIwNTQz',
  'MlowDzENMAsGA1UEAwwEcm9vdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABH3N',
  'ib9Nype9TivIlAFKsQcOB6J69MYTSWn2oa3OP+FLyIk2agsvnpGkVGdRSpNHCSIu',
  'SXGPC98LNY3VV2d/uDijUzBRMB0GA1UdDgQWBBSw/vtTQ4A/gxZeVDq57ZvA3wz1',
  'NzAfBgNVHSMEGDAWgBSw/vtTQ4A/gxZeVDq57ZvA3wz1NzAPBgNVHRMBAf8EBTAD',
  'AQH/MAoGCCqGSM49BAMCA0gAMEUCIFhNVyMaM9xZDaWBf3irj768kKBbdoSFwJlv',
  'y9fK1cgxAiEA7eupOkOCWVLsSKsp/A7BXghdunjcgqcAD9ssi/7bmJY=',
  '-----END CERTIFICATE-----',
].join('\n');

export const PUBLISHER = [
  '-----BEGIN CERTIFICATE-----',
  'MIIBIDCBxgIUIfJxSzt40nQ6+r1uxIK6ilu/YCcwCgYIKoZIzj0EAwIwDzENMAsG',
  'A1UEAwwEcm9vdDAgFw0yNjExMjEyMDU0MzJaGA8yMTI2MTAyODIwNTQzMlowFDES',
  'MBAGA1UEAwwJcHVibGlzaGVyMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEUbTj',
  'n/Yr/fpqWYSr0ExbU2QQT5ZTtOtgv4AnFvVKDqPd2LYO/tdlDQvBeUHIG/0NP0f7',
  'hA9J5sY3VzJcVWenCjAKBggqhkjOPQQDAgNJADBGAiEA/rWLLbwjOP/QTN/f0im4',
  'd4jaAN3Jld0LiDuySmXm8VICIQD8M1syhT6flBlV2KKLy2CzuEF2wrpVxLzXseOz',
  'IrJ1Uw==',
  '-----END CERTIFICATE-----',
].join('\n');

/** The publisher's, over `sha256:aa…` and `sha256:bb…`. */
export const SIGNATURES = {
  a: 'MEUCIQDwB05Atv6fPqmqyq09SkbrssXuNFsBJHUFkYOA6QVgmgIgfzG1BpHV/loWMrcBXyTGDNfwHdlkenqUzNPXwA1JRUU=',
  b: 'MEUCIAP6KvfPbEfXN87cW+AWjv2j90oY/Xz3msK33Q2taJVoAiEAkqGsbSodkjNinHhG/CbnGEsLSEcScu1TF5IVqvVcpow=',
} as const;

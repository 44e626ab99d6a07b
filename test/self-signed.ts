// A certificate that nobody has signed but its own key, for tests of https; it is worth nothing elsewhere.
// Made by: openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 36500 -subj "/CN=facehand test"
import type { Secure } from "./raw-server.ts";

export const SELF_SIGNED: Secure = {
  key: `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg8v/WvM65FY82PbyB
Xy+EA9AMJqISRLZFzce04I/HfU2hRANCAASvxnXNal7qHmA3NXtv6Rnqqw+UrqRo
ow4Ez93diIH/5gYZbAk7slrVCZnteHlbfvef15ei+BwulFl14M1oMofE
-----END PRIVATE KEY-----
`,
  cert: `-----BEGIN CERTIFICATE-----
MIIBiDCCAS2gAwIBAgIUerRsbccnVroh5N4wOgmb4PUAbPYwCgYIKoZIzj0EAwIw
GDEWMBQGA1UEAwwNZmFjZWhhbmQgdGVzdDAgFw0yNjExMjgxODQ1MjlaGA8yMTI2
MTEwNDE4NDUyOVowGDEWMBQGA1UEAwwNZmFjZWhhbmQgdGVzdDBZMBMGByqGSM49
AgEGCCqGSM49AwEHA0IABK/Gdc1qXuoeYDc1e2/pGeqrD5SupGijDgTP3d2Igf/m
BhlsCTuyWtUJme14eVt+95/Xl6L4HC6UWXXgzWgyh8SjUzBRMB0GA1UdDgQWBBT0
QBcnfcGFCBPCtNFrLFV0lBNHvTAfBgNVHSMEGDAWgBT0QBcnfcGFCBPCtNFrLFV0
lBNHvTAPBgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMCA0kAMEYCIQDN1xOmJoym
03UUxHbJ+usONo0K33oFTJrus4TqtyZG1gIhALLGXDkS/yYTQmW9aO/8P3sndhZH
hgXsnmHEPmKCz7ih
-----END CERTIFICATE-----
`,
};

import { constants } from "node:crypto";
import type { TlsOptions } from "node:tls";

/** RFC 9325 section 4.2: ephemeral key agreement and AEAD only. ECDSA for our own certificates, RSA for the operator's. */
const suites = [
  "TLS_AES_256_GCM_SHA384",
  "TLS_CHACHA20_POLY1305_SHA256",
  "TLS_AES_128_GCM_SHA256",
  "ECDHE-ECDSA-AES256-GCM-SHA384",
  "ECDHE-ECDSA-CHACHA20-POLY1305",
  "ECDHE-ECDSA-AES128-GCM-SHA256",
  "ECDHE-RSA-AES256-GCM-SHA384",
  "ECDHE-RSA-CHACHA20-POLY1305",
  "ECDHE-RSA-AES128-GCM-SHA256",
];

// Hybrid with ML-KEM first: what is recorded today stays closed to tomorrow's quantum computer.
const groups = ["X25519MLKEM768", "X25519", "P-256"];

/** Who has not finished the handshake by then is hung up on. */
const handshakeDeadline = 10_000;

/** How long a client may come back with a ticket, in seconds; the keys that open tickets live no longer. */
const sessionSeconds = 86_400;

/** What an auditor asks. */
export const tlsFacts = { minimum: "TLS 1.2", groups, suites };

/** Everything about TLS that does not depend on a certificate. */
export const settings = {
  minVersion: "TLSv1.2",
  maxVersion: "TLSv1.3",
  ciphers: suites.join(":"),
  ecdhCurve: groups.join(":"),
  honorCipherOrder: true,
  // A client that prefers ChaCha20 has no AES hardware, so it may choose; renegotiation exists in 1.2 only and serves nobody here.
  secureOptions: constants.SSL_OP_PRIORITIZE_CHACHA | constants.SSL_OP_NO_RENEGOTIATION,
  handshakeTimeout: handshakeDeadline,
  sessionTimeout: sessionSeconds,
} as const satisfies TlsOptions;

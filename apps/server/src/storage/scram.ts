import { createHash, createHmac, pbkdf2Sync } from "node:crypto";

/** PostgreSQL's own default. The passwords here have 256 random bits, so more rounds would protect nothing. */
const rounds = 4_096;

/**
 * What PostgreSQL keeps of a password: `SCRAM-SHA-256$rounds:salt$StoredKey:ServerKey` (RFC 5802, 3; RFC 7677). Given to
 * ALTER ROLE in place of the password, so that the password itself never travels, and never stands in a server's log.
 * `password` is ASCII: SASLprep would change nothing.
 */
export function scramVerifier(password: string, salt: Uint8Array): string {
  const salted = pbkdf2Sync(password, salt, rounds, 32, "sha256");
  const clientKey = createHmac("sha256", salted).update("Client Key").digest();
  const storedKey = createHash("sha256").update(clientKey).digest("base64");
  const serverKey = createHmac("sha256", salted).update("Server Key").digest("base64");
  return `SCRAM-SHA-256$${rounds}:${salt.toBase64()}$${storedKey}:${serverKey}`;
}

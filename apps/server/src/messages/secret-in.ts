import type { Asked } from "@holdfast/mqtt";
import { isId } from "@holdfast/kernel";
import type { Authentication, Known } from "../authority/index.ts";

const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });

/** What stands in the password, as it stands there: a secret has one spelling, and none begins with a mark of byte order. */
export const secretIn = ({ password }: Pick<Asked, "password">): string => (password ? utf8.decode(password) : "");

/** Whose the credential is that a CONNECT shows, in any of its forms. @throws Refusal */
export async function shownIn(asked: Asked, authentication: Authentication): Promise<Known> {
  const {
    username = "",
    transport: { certificate },
  } = asked;
  const secret = secretIn(asked);
  // Some clients have to have a user name: of one that is no credential's nothing is read.
  const isBare = secret === "" && !username.startsWith("hf_") && !username.includes(".");
  if (certificate && isBare)
    return authentication.shownCertificate(certificate, isId("key", username) ? username : undefined);
  if (secret.startsWith("hf_")) return authentication.shown(secret);
  if (secret === "" && username !== "") return authentication.shown(username);
  return authentication.shownKey(username, secret);
}

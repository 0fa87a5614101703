import { Refusal } from "@holdfast/kernel";

/** The two places a credential may stand in; both at once only if they agree. Who proves its key says so by the scheme (RFC 9449, 7.1); clients of InfluxDB say Token. */
export function credentialText(headers: {
  readonly [name: string]: string | string[] | undefined;
}): string | undefined {
  const { authorization, "x-auth-token": own } = headers;
  if (Array.isArray(authorization)) {
    throw new Refusal("credential.invalid", { detail: "Authorization was sent more than once: show one credential." });
  }
  const bearer = /^(?:Bearer|DPoP|Token) +(\S+) *$/i.exec(authorization ?? "")?.[1];
  if (Array.isArray(own) || (own !== undefined && bearer !== undefined && own !== bearer)) {
    throw new Refusal("credential.invalid", { detail: "Two different credentials were sent." });
  }
  return own ?? bearer;
}

/**
 * RFC 7030, 3.2.3: clients of EST show an id and a secret by HTTP Basic. Nowhere else: a browser remembers what it was asked for so, and
 * sends it along for whatever page asks.
 */
export function takeBasic(headers: { authorization?: string | undefined }): void {
  const base64 = /^Basic +([A-Za-z0-9+/]+=*) *$/i.exec(headers.authorization ?? "")?.[1];
  if (base64 === undefined) return;
  const [id = "", ...secret] = Buffer.from(base64, "base64").toString("utf8").split(":");
  headers.authorization = `Bearer ${id}.${secret.join(":")}`;
}

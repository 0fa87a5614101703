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

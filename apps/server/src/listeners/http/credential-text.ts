import { Refusal } from "@holdfast/kernel";

/** The two places a credential may stand in; both at once only if they agree. Who proves its key says so by the scheme (RFC 9449, 7.1). */
export function credentialText(headers: {
  readonly [name: string]: string | string[] | undefined;
}): string | undefined {
  const own = headers["x-auth-token"];
  const bearer = /^(?:Bearer|DPoP) +(\S+) *$/i.exec(headers.authorization?.toString() ?? "")?.[1];
  if (Array.isArray(own) || (own !== undefined && bearer !== undefined && own !== bearer)) {
    throw new Refusal("credential.invalid", { detail: "Two different credentials were sent." });
  }
  return own ?? bearer;
}

import { Refusal, rfc3339, type Clock } from "@holdfast/kernel";
import { deviceCodeGrant, formatGrant, routes } from "@holdfast/protocol";
import { on, type Handler } from "../authority/index.ts";
import { grantsIn, interval, lifetime, scopeOf } from "./activation.ts";
import type { Activations } from "./activations.ts";
import { day } from "./welcome.ts";

type Needs = {
  readonly activations: Activations;
  /** Where the platform is. */
  readonly address: () => string;
  readonly clock: Clock;
};

/** The program's side in OAuth's words, the person's in ours. */
export const activationRoutes = ({ activations, address, clock }: Needs): Handler[] => [
  on(routes.authorizeDevice, async ({ body, visit }) => {
    const { secret, code } = await activations.ask(
      {
        program: body.client_id,
        machine: body.machine,
        grants: body.scope === undefined ? undefined : grantsIn(body.scope),
        lifetime: body.lifetime ?? day,
      },
      visit,
    );
    const place = `${address()}/activate`;
    return {
      device_code: secret,
      user_code: code,
      verification_uri: place,
      // What stands behind # never leaves a browser by itself, so it reaches no log.
      verification_uri_complete: `${place}#${code}`,
      expires_in: lifetime / 1_000,
      interval: interval / 1_000,
    };
  }),
  on(routes.obtainToken, async ({ body }) => {
    if (body.grant_type !== deviceCodeGrant) throw new Refusal("program.asksOtherwise");
    const { token, expiresAt, grants } = await activations.take(body.device_code);
    if (expiresAt === undefined) throw new Error("the token of a program that was let in ends");
    return {
      access_token: token,
      token_type: "Bearer" as const,
      expires_in: Math.floor((expiresAt - clock.now()) / 1_000),
      scope: scopeOf(grants),
    };
  }),
  on(routes.readOAuth, async () => {
    const issuer = address();
    const none = ["none"]; // public programs, which have no secret of their own
    return {
      issuer,
      device_authorization_endpoint: `${issuer}${routes.authorizeDevice.path}`,
      token_endpoint: `${issuer}${routes.obtainToken.path}`,
      revocation_endpoint: `${issuer}${routes.revokeToken.path}`,
      grant_types_supported: [deviceCodeGrant],
      response_types_supported: [],
      token_endpoint_auth_methods_supported: none,
      revocation_endpoint_auth_methods_supported: none,
    };
  }),
  on(routes.readActivation, async ({ session, params }) => {
    const {
      program,
      machine,
      address: from,
      askedAt,
      expiresAt,
      grants,
      lifetime,
    } = await activations.read(session, params["code"] ?? "");
    return {
      program,
      ...(machine !== undefined && { machine }),
      address: from,
      askedAt: rfc3339(askedAt),
      expiresAt: rfc3339(expiresAt),
      ...(grants && { grants: grants.map(formatGrant) }),
      lifetime: lifetime / 1_000,
    };
  }),
  on(routes.approveActivation, async ({ caller, params, body }) => {
    await activations.approve(caller, params["code"] ?? "", { lifetime: body.lifetime });
    return {};
  }),
  on(routes.refuseActivation, async ({ session, params }) => {
    await activations.refuse(session, params["code"] ?? "");
    return {};
  }),
];

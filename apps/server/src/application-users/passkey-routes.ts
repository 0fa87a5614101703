import { parseId, type Id } from "@holdfast/kernel";
import { routes } from "@holdfast/protocol";
import { on, type Handler } from "../authority/index.ts";
import { passkeyReply } from "../passkeys/index.ts";
import type { PasskeySignIns } from "./passkey-sign-in.ts";
import type { Passkeys } from "./passkeys.ts";
import { signedInReply, userIn } from "./replies.ts";

type Verbs = { readonly passkeys: Passkeys; readonly passkeySignIns: PasskeySignIns };

export const passkeyRoutes = ({ passkeys, passkeySignIns }: Verbs): Handler[] => [
  on(routes.passkeySignUpOptions, async ({ caller, body }) => passkeySignIns.signUpOptions(caller, body)),
  on(routes.signUpWithPasskey, async ({ caller, body }) => {
    await passkeySignIns.signUp(caller, body);
    return {};
  }),
  on(routes.passkeySignInOptions, async ({ caller, body }) => passkeySignIns.options(caller, body)),
  on(routes.signInWithPasskey, async ({ caller, body, address, boundTo }) =>
    signedInReply(await passkeySignIns.signIn(caller, body, { address, boundTo })),
  ),

  on(routes.ownPasskeyOptions, async ({ caller, page, body }) => passkeys.options(caller, page, body)),
  on(routes.createOwnPasskey, async ({ caller, page, body }) => passkeyReply(await passkeys.add(caller, page, body))),
  on(routes.listOwnPasskeys, async ({ caller }) => ({ items: (await passkeys.listOwn(caller)).map(passkeyReply) })),
  on(routes.renameOwnPasskey, async ({ caller, params, body }) =>
    passkeyReply(await passkeys.rename(caller, passkeyIn(params), body.name)),
  ),
  on(routes.removeOwnPasskey, async ({ caller, params }) => {
    await passkeys.removeOwn(caller, passkeyIn(params));
    return {};
  }),

  on(routes.listUserPasskeys, async ({ permit, params }) => ({
    items: (await passkeys.list(permit, userIn(params))).map(passkeyReply),
  })),
  on(routes.removeUserPasskey, async ({ permit, params }) => {
    await passkeys.remove(permit, userIn(params), passkeyIn(params));
    return {};
  }),
];

const passkeyIn = (params: Readonly<Record<string, string>>): Id<"passkey"> =>
  parseId("passkey", params["passkey"] ?? "");

import { parseId, type Id } from "@holdfast/kernel";
import { routes } from "@holdfast/protocol";
import { on, type Handler } from "../authority/index.ts";
import { passkeyReply } from "../passkeys/index.ts";
import type { PasskeyProof } from "./passkey-proof.ts";
import type { PersonPasskeys } from "./person-passkeys.ts";

type Verbs = { readonly passkeys: PersonPasskeys; readonly passkeyProof: PasskeyProof };

export const passkeyRoutes = ({ passkeys, passkeyProof }: Verbs): Handler[] => [
  on(routes.passkeyQuestion, async () => passkeyProof.question()),
  on(routes.accountPasskeyOptions, async ({ session, visit }) => passkeys.options(session, visit)),
  on(routes.createAccountPasskey, async ({ session, visit, body }) => {
    const { passkey, cookie } = await passkeys.add(session, visit, body);
    return { reply: passkeyReply(passkey), cookie };
  }),
  on(routes.listAccountPasskeys, async ({ session }) => ({ items: (await passkeys.list(session)).map(passkeyReply) })),
  on(routes.renameAccountPasskey, async ({ session, params, body }) =>
    passkeyReply(await passkeys.rename(session, passkeyIn(params), body.name)),
  ),
  on(routes.removeAccountPasskey, async ({ session, params }) => {
    await passkeys.remove(session, passkeyIn(params));
    return {};
  }),
];

const passkeyIn = (params: Readonly<Record<string, string>>): Id<"passkey"> =>
  parseId("passkey", params["passkey"] ?? "");

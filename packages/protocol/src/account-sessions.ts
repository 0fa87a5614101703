import { z } from "zod";
import { shown } from "./passkey-shapes.ts";
import { route } from "./route.ts";
import { code, time } from "./shapes.ts";

export const confirmIdentity = route({
  method: "POST",
  path: "/v1/account/confirmation",
  summary:
    "Somebody who is signed in proves once more who she is, by a passkey, or by her password, and by a code or a passkey beside it where she has a second factor. For ten minutes she may do what asks for that; her cookie is replaced.",
  needs: "public",
  isCounted: true,
  body: z
    .strictObject({ password: z.string().max(1_024).optional(), code, passkey: shown.optional() })
    .refine(({ password, passkey }) => password ?? passkey, { error: "a password or a passkey" }),
  reply: z.object({ confirmedUntil: time }),
  session: "renews",
});

import type { Id } from "@holdfast/kernel";
import type { Passkey } from "../passkeys/index.ts";

/** The passkey of a user of an application. */
export type UserPasskey = Passkey & { readonly user: Id<"user">; readonly application: Id<"application"> };

import type { Passwords } from "@holdfast/crypto";
import type { Clock, Random, Report } from "@holdfast/kernel";
import {
  LoginAttempts,
  OwnLists,
  Passkeys,
  PasskeySignIns,
  PastSignIns,
  RefreshTokens,
  SignIns,
  Users,
} from "./application-users/index.ts";
import { applicationUserRoutes } from "./application-users/routes.ts";
import { Claims, CodeAttempts, Handovers, Notices } from "./claims/index.ts";
import { claimRoutes, handoverRoutes } from "./claims/routes.ts";
import type { Post } from "./identity/index.ts";
import type { Handler, Minting, Refused, Revocation, Rulings, Spaces } from "./authority/index.ts";
import { networkOf, RateLimit } from "./listeners/index.ts";
import { signUpOf, type Registry } from "./registry/index.ts";
import type { Storage } from "./storage/index.ts";

type Needs = {
  readonly storage: Storage;
  readonly spaces: Spaces;
  readonly minting: Minting;
  readonly revocation: Revocation;
  readonly rulings: Rulings;
  readonly passwords: Passwords;
  readonly registry: Registry;
  readonly post: Pick<Post, "send" | "by">;
  readonly refusedSignIn: (who: Refused, about: string) => void;
  readonly clock: Clock;
  readonly random: Random;
  readonly report: Report;
};

/** Changes of the lists of one user: each is written down, and asks all of the organisation that is open once more. */
const listRate = { perSecond: 1 / 6, burst: 60 } as const;

/** Customers of applications: who they are, and how they come in. */
export function openApplicationUsers({ registry, ...needs }: Needs): {
  readonly users: Users;
  readonly refreshTokens: RefreshTokens;
  readonly pastSignIns: PastSignIns;
  readonly notices: Notices;
  readonly handlers: Handler[];
} {
  const users = new Users({ ...needs, devices: registry });
  const attempts = new LoginAttempts(needs);
  const signIns = new SignIns({ ...needs, attempts, signUpOf, networkOf });
  const passkeys = new Passkeys(needs);
  const passkeySignIns = new PasskeySignIns({ ...needs, signUpOf });
  const lists = new OwnLists({ ...needs, changes: new RateLimit(listRate, needs.clock) });
  const codes = { ...needs, registry, attempts: new CodeAttempts({ ...needs, networkOf }) };
  const claims = new Claims(codes);
  registry.whenBound((unit, { id, user }) => claims.boundIn(unit, id, user));
  const handlers = [
    ...applicationUserRoutes({ users, signIns, lists, passkeys, passkeySignIns }),
    ...claimRoutes(claims),
    ...handoverRoutes(new Handovers(codes)),
  ];
  return {
    users,
    refreshTokens: new RefreshTokens(needs),
    pastSignIns: new PastSignIns(needs),
    notices: new Notices(needs),
    handlers,
  };
}

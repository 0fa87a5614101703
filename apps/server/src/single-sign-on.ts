import type { Clock, Id, Random, Report, Timers } from "@holdfast/kernel";
import type { Handler, OnRefusal, Revocation, Sessions, Spaces } from "./authority/index.ts";
import {
  alertOwners,
  peopleIn,
  type Invitations,
  type KnownBrowsers,
  type Organisations,
  type Post,
  type SignInNotices,
} from "./identity/index.ts";
import { Calls, Names, OpenId } from "./outbound/index.ts";
import { Arriving, Domains, Errands, Leaving, Linking, Providers, SigningIn } from "./single-sign-on/index.ts";
import { singleSignOnRoutes } from "./single-sign-on/routes.ts";
import type { Keyring, Storage } from "./storage/index.ts";

type Needs = {
  readonly storage: Storage;
  readonly keys: Keyring;
  readonly spaces: Spaces;
  readonly sessions: Sessions;
  readonly revocation: Revocation;
  readonly organisations: Organisations;
  readonly invitations: Invitations;
  readonly post: Post;
  readonly browsers: KnownBrowsers;
  readonly notices: SignInNotices;
  readonly onRefusal: OnRefusal;
  readonly address: () => string;
  readonly clock: Clock;
  readonly random: Random;
  readonly timers: Timers;
  readonly report: Report;
  readonly calling: Calling;
};

/** What the operator says of calls to the outside. */
export type Calling = {
  readonly isAllowed: (address: string) => boolean;
  readonly ca: string | undefined;
  readonly server: { readonly address: string; readonly port: number } | undefined;
};

/** People whom an organisation's own provider says who they are. */
export function openSingleSignOn(needs: Needs): { readonly domains: Domains; readonly handlers: Handler[] } {
  const names = new Names({ server: needs.calling.server });
  const openId = new OpenId({
    calls: new Calls({ ...needs.calling, names, timers: needs.timers }),
    clock: needs.clock,
  });
  const common = { ...needs, openId, names };
  const domains = new Domains({ ...common, alert: (org, letter) => alertOwners(needs, org, letter) });
  const signingIn = new SigningIn({ ...common, errands: new Errands(needs), arriving: new Arriving(needs) });
  const emailsOf = async (people: readonly Id<"person">[]) => {
    const found = await needs.storage.instance.read((unit) => peopleIn(unit, needs).all(people));
    return new Map([...found].map(([person, { email }]) => [person, email]));
  };
  const handlers = singleSignOnRoutes({
    providers: new Providers(common),
    domains,
    signingIn,
    linking: new Linking({ ...common, signingIn }),
    leaving: new Leaving({ ...common, signingIn }),
    emailsOf,
  });
  return { domains, handlers };
}

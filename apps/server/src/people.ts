import type { Passwords } from "@holdfast/crypto";
import type { Clock, Id, Random, Report, Timers } from "@holdfast/kernel";
import type {
  Administrators,
  Authentication,
  Handler,
  Journal,
  Minting,
  OnRefusal,
  Revocation,
  Rulings,
  Sessions,
  Spaces,
} from "./authority/index.ts";
import {
  Account,
  Activations,
  Browsers,
  Comers,
  Confirming,
  Ending,
  ErrandRuns,
  FactorResets,
  Factors,
  Identity,
  KnownBrowsers,
  Invitations,
  Members,
  Organisations,
  OwnEmails,
  OwnPasswords,
  Post,
  PasskeyProof,
  PersonPasskeys,
  removeBroughtBack,
  Proving,
  SessionLists,
  SetupOffer,
  SignInNotices,
  type Carrier,
  type Fleet,
  type RefusedSignIn,
} from "./identity/index.ts";
import { identityRoutes } from "./identity/routes.ts";
import { Instance } from "./instance/index.ts";
import { instanceRoutes } from "./instance/routes.ts";
import { networkOf, RateLimit, Room, type Guard } from "./listeners/index.ts";
import { openSingleSignOn, type Calling } from "./single-sign-on.ts";
import { provenDomainsIn, type Domains } from "./single-sign-on/index.ts";
import type { Keyring, Storage, Unit } from "./storage/index.ts";

type Needs = {
  readonly storage: Storage;
  readonly keys: Keyring;
  readonly spaces: Spaces;
  readonly sessions: Sessions;
  readonly authentication: Authentication;
  readonly minting: Minting;
  readonly revocation: Revocation;
  readonly journal: Journal;
  readonly rulings: Rulings;
  readonly administrators: Administrators;
  readonly passwords: Passwords;
  readonly onRefusal: OnRefusal;
  readonly guard: Guard;
  readonly calling: Calling;
  readonly refusedSignIn: RefusedSignIn;
  readonly fleet: Fleet;
  readonly carrier: Carrier;
  /** Of an organisation and all that it holds nothing is left. */
  readonly erase: (org: Id<"org">) => Promise<void>;
  /** Where the platform is, by a name that is in its certificate. */
  readonly address: () => string;
  /** Whether the certificate is good for a host. */
  readonly isOurs: (host: string) => boolean;
  /** In hours: how long somebody who lost her second factors waits until they can be removed. */
  readonly factorResetAfter: number;
  readonly clock: Clock;
  /** Of the machine: the setup link ends by it. */
  readonly ownClock: Clock;
  readonly random: Random;
  readonly timers: Timers;
  readonly report: Report;
  /** Aborted when the platform closes. */
  readonly signal: AbortSignal;
};

/** Slow hashes for one network, or for one person at a browser of hers. */
const costly = { perSecond: 1, burst: 30 } as const;

type People = {
  readonly setup: SetupOffer;
  readonly post: Post;
  readonly ending: Ending;
  readonly runs: ErrandRuns;
  readonly domains: Domains;
  readonly handlers: Handler[];
};

/** Codes that there are not, of one person: there are 25,600,000,000, and each is good for ten minutes. */
const wrongCodes = { perSecond: 1 / 60, burst: 10 } as const;

/** People with accounts: who they are, how they come in, and what they belong to. */
export async function openPeople(needs: Needs): Promise<People> {
  const post = new Post(needs);
  const setup = new SetupOffer({ ...needs, clock: needs.ownClock });
  await removeBroughtBack(needs);
  const factors = await Factors.open(needs);
  const runs = new ErrandRuns({ ...needs, post });
  const passkeyProof = new PasskeyProof({ ...needs, factors, post, runs });
  const resets = new FactorResets({ ...needs, factors, post, runs });
  const signingIn = {
    browsers: new KnownBrowsers({ ...needs, networkOf }),
    notices: new SignInNotices({ ...needs, post }),
  };
  const costs = { ofNetwork: new RateLimit(costly, needs.clock), ofPerson: new RateLimit(costly, needs.clock) };
  const proving = new Proving({ ...needs, ...signingIn, factors, passkeys: passkeyProof, resets, networkOf, costs });
  const activations = new Activations({
    ...needs,
    ...signingIn,
    wrongCodes: new RateLimit(wrongCodes, needs.clock),
    room: new Room(),
  });
  const ending = new Ending({ ...needs, post });
  const confirming = new Confirming(needs);
  const ownEmails = new OwnEmails({ ...needs, post });
  const ownPasswords = new OwnPasswords({ ...needs, proving, post, runs, resets, room: new Room() });
  const comers = new Comers({ ...needs, proving, factors, ownEmails });
  const provenDomains = (unit: Unit) => provenDomainsIn(unit, needs.keys);
  const organisations = new Organisations({ ...needs, post, provenDomains });
  const invitations = new Invitations({ ...needs, comers, post });
  const ofIdentity = identityRoutes({
    ...needs,
    account: new Account({ ...needs, factors, post, runs }),
    activations,
    ending,
    confirming,
    passkeyProof,
    resets,
    passkeys: new PersonPasskeys({ ...needs, factors, post, runs }),
    identity: new Identity({ ...needs, ...signingIn, proving, setup, ownEmails }),
    browsers: new Browsers({ ...needs, ...signingIn, proving }),
    organisations,
    members: new Members(needs),
    sessionLists: new SessionLists(needs),
    ownPasswords,
    ownEmails,
    invitations,
  });
  const singleSignOn = openSingleSignOn({ ...needs, ...signingIn, organisations, invitations, post });
  const ofInstance = instanceRoutes({ instance: new Instance(needs), ending, confirming });
  const handlers = [...ofIdentity, ...singleSignOn.handlers, ...ofInstance];
  return { setup, post, ending, runs, domains: singleSignOn.domains, handlers };
}

import type { Instant } from "@holdfast/kernel";
import { leastTransports, tlsVersions, type Demands } from "@holdfast/protocol";
import type { Circumstances } from "./circumstances.ts";
import { partyOf, type Credential, type Party } from "./credential.ts";
import { lackingOf, type Demanding, type Lacking } from "./factors.ts";
import { madeAtOf } from "./secrets.ts";
import { limitsOf } from "./session.ts";

const day = 24 * 3_600_000;

/** What whoever holds the secret is told, where a demand is not met. */
export type Unmet = "condition.unmet" | Lacking["code"];

/** What an organisation's demands say to one credential, and to how somebody comes with it. */
export type Demanded = {
  /** The one that is not met, in words. */
  readonly against: string | undefined;
  /** When the credential, or the secret that was shown for it, is too old; or when a factor is demanded that is not there yet. */
  readonly until: Instant | undefined;
  readonly inWords: string;
  readonly code: Unmet;
};

/** What a sign-in gave is over in a day, and without it nobody could mend what was demanded by mistake: it need not be bound, nor young. */
export function demandedOf(
  demanding: Demanding,
  credential: Credential,
  came: Circumstances | undefined,
  now: Instant,
): Demanded {
  const { demands } = demanding;
  const party = partyOf(credential);
  const { bound, greatestAgeDays, leastTls } = demands[party] ?? {};
  const inWords = `the organisation demands of ${party}' credentials`;
  const isOld = leastTls !== undefined && came?.tls !== undefined && isBefore(came.tls, leastTls);
  const strength = strengthOf(came);
  const least = party === "devices" ? demands.devices?.leastTransport : undefined;
  if (leastTls !== undefined && strength !== undefined && strength !== "tls")
    return unmet(`${inWords} ${leastTls}, and this came over a direct socket`);
  if (least !== undefined && strength !== undefined && isWeaker(strength, least))
    return unmet(`${inWords} at least ${least}, and this was ${strength}`);
  if (isOld) return unmet(`${inWords} ${leastTls}, and this came over ${came.tls}`);
  const lacking = lackingOf(demanding, credential, now);
  if (lacking && lacking.from === undefined) return { ...unmet(lacking.because), code: lacking.code };
  // Of a manufacturer's, each device proves the key of its own birth certificate.
  const isBound = credential.publicKey !== undefined || credential.enrols?.manufacturer !== undefined;
  if (bound && !isBound && !credential.inPerson)
    return unmet(`${inWords} that they are bound to a key, and ${credential.id} is not`);
  const until = credential.inPerson ? undefined : endOfAge(demands, party, madeAtOf(credential, came?.shown));
  if (lacking?.from !== undefined && (until === undefined || lacking.from < until))
    return { against: undefined, until: lacking.from, inWords: lacking.because, code: lacking.code };
  const ofAge = `${inWords} that they are at most ${greatestAgeDays} days old`;
  return { against: undefined, until, inWords: ofAge, code: "condition.unmet" };
}

type Strength = (typeof leastTransports)[number];

/** What protects what somebody sends; `undefined` where nobody said over what he came. */
const strengthOf = (came: Circumstances | undefined): Strength | undefined =>
  came?.transport === "socket" ? came.socket : came?.transport && "tls";

const isWeaker = (one: Strength, other: Strength): boolean =>
  leastTransports.indexOf(one) < leastTransports.indexOf(other);

const unmet = (against: string): Demanded => ({
  against,
  until: undefined,
  inWords: against,
  code: "condition.unmet",
});

/** As if whatever is demanded from later on were demanded now. */
export function atOnce(demands: Demands): Demands {
  if (!demands.people) return demands;
  const { factorFrom: _later, ...people } = demands.people;
  return { ...demands, people };
}

/** When a session is over here, whatever is done in it. */
export const endOfSession = (demands: Demands, { kind, createdAt }: Credential): Instant | undefined =>
  kind === "session" ? ((createdAt + limitsOf(demands).absolute) as Instant) : undefined; // milliseconds both

/** When what was made then is too old. */
export function endOfAge(demands: Demands, party: Party, madeAt: Instant): Instant | undefined {
  const days = demands[party]?.greatestAgeDays;
  return days === undefined ? undefined : ((madeAt + days * day) as Instant); // milliseconds both
}

const isBefore = (one: (typeof tlsVersions)[number], other: (typeof tlsVersions)[number]): boolean =>
  tlsVersions.indexOf(one) < tlsVersions.indexOf(other);

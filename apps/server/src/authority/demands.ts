import type { Instant } from "@holdfast/kernel";
import { tlsVersions, type Demands } from "@holdfast/protocol";
import type { Circumstances } from "./circumstances.ts";
import { partyOf, type Credential, type Party } from "./credential.ts";
import { madeAtOf } from "./secrets.ts";

const day = 24 * 3_600_000;

/** What an organisation's demands say to one credential, and to how somebody comes with it. */
export type Demanded = {
  /** The one that is not met, in words. */
  readonly against: string | undefined;
  /** When the credential, or the secret that was shown for it, is too old. */
  readonly until: Instant | undefined;
  readonly inWords: string;
};

/** What a sign-in gave is over in a day, and without it nobody could mend what was demanded by mistake: it need not be bound, nor young. */
export function demandedOf(demands: Demands, credential: Credential, came: Circumstances | undefined): Demanded {
  const party = partyOf(credential);
  const { bound, greatestAgeDays, leastTls } = demands[party] ?? {};
  const inWords = `the organisation demands of ${party}' credentials`;
  const isOld = leastTls !== undefined && came?.tls !== undefined && isBefore(came.tls, leastTls);
  if (isOld) return { against: `${inWords} ${leastTls}, and this came over ${came.tls}`, until: undefined, inWords };
  if (credential.inPerson) return { against: undefined, until: undefined, inWords };
  if (bound && !credential.publicKey)
    return {
      against: `${inWords} that they are bound to a key, and ${credential.id} is not`,
      until: undefined,
      inWords,
    };
  const until = endOfAge(demands, party, madeAtOf(credential, came?.shown));
  return { against: undefined, until, inWords: `${inWords} that they are at most ${greatestAgeDays} days old` };
}

/** When what was made then is too old. */
export function endOfAge(demands: Demands, party: Party, madeAt: Instant): Instant | undefined {
  const days = demands[party]?.greatestAgeDays;
  return days === undefined ? undefined : ((madeAt + days * day) as Instant); // milliseconds both
}

const isBefore = (one: (typeof tlsVersions)[number], other: (typeof tlsVersions)[number]): boolean =>
  tlsVersions.indexOf(one) < tlsVersions.indexOf(other);

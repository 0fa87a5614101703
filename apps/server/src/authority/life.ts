import type { Clock, Random, Report } from "@holdfast/kernel";
import type { Storage } from "../storage/index.ts";
import type { Authentication } from "./authentication.ts";
import { Births } from "./births.ts";
import type { Journal } from "./journal.ts";
import { Issuing, type Signer } from "./issuing.ts";
import { LettingGo } from "./letting-go.ts";
import { Leaks } from "./leaks.ts";
import { Manufacturers } from "./manufacturers.ts";
import type { Minting } from "./minting.ts";
import { RevocationLists } from "./revocation-list.ts";
import type { Revocation } from "./revocation.ts";
import { Rotation } from "./rotation.ts";
import { Rulings } from "./rulings.ts";
import type { SocketAddresses } from "./socket-addresses.ts";
import type { Spaces } from "./spaces.ts";
import type { TokenKeys } from "./token-keys.ts";

type Needs = {
  readonly storage: Storage;
  readonly spaces: Spaces;
  readonly tokenKeys: TokenKeys;
  readonly authentication: Authentication;
  readonly socketAddresses: SocketAddresses;
  readonly revocation: Revocation;
  readonly journal: Journal;
  readonly minting: Minting;
  readonly signer: Signer;
  readonly report: Report;
  readonly clock: Clock;
  readonly random: Random;
};

/** What becomes of a credential between its making and its end. */
export const lifeOf = (needs: Needs) => {
  const rulings = new Rulings(needs);
  const rotation = new Rotation({ ...needs, rulings });
  const issuing = new Issuing({ ...needs, rotation });
  return {
    births: new Births(needs),
    manufacturers: new Manufacturers(needs, issuing),
    rulings,
    rotation,
    issuing,
    revocationLists: new RevocationLists(needs),
    lettingGo: new LettingGo(needs),
    leaks: new Leaks({ ...needs, rulings }),
  };
};

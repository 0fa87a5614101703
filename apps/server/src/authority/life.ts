import type { Clock, Random } from "@holdfast/kernel";
import type { Storage } from "../storage/index.ts";
import type { Authentication } from "./authentication.ts";
import { Leaks } from "./leaks.ts";
import type { Journal } from "./journal.ts";
import { Replaced } from "./replaced.ts";
import type { Revocation } from "./revocation.ts";
import { Rotation } from "./rotation.ts";
import type { Spaces } from "./spaces.ts";
import type { TokenKeys } from "./token-keys.ts";

type Needs = {
  readonly storage: Storage;
  readonly spaces: Spaces;
  readonly tokenKeys: TokenKeys;
  readonly authentication: Authentication;
  readonly revocation: Revocation;
  readonly journal: Journal;
  readonly clock: Clock;
  readonly random: Random;
};

/** What becomes of a credential between its making and its end. */
export const lifeOf = (needs: Needs) => {
  const replaced = new Replaced(needs);
  return { replaced, rotation: new Rotation({ ...needs, replaced }), leaks: new Leaks({ ...needs, replaced }) };
};

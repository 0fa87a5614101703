import type { PublicKey } from "@holdfast/crypto";
import type { Instant } from "@holdfast/kernel";
import type { Unit } from "../storage/index.ts";
import type { Credential } from "./credential.ts";
import { isCredentialId } from "./explain.ts";
import type { Issued } from "./issuer.ts";
import { authorityIn } from "./postgres.ts";
import { kindOf, type Kind, type Rulings } from "./rulings.ts";
import type { Spaces } from "./spaces.ts";

const kind = "secret";

/** Digests in hexadecimal digits. */
type State = {
  readonly digest: string;
  readonly former?: { readonly digest: string; readonly madeAt: Instant; readonly endsAt: Instant };
  readonly rotatedAt?: Instant;
  /** Of a certificate that was issued, which it is, and its key. */
  readonly issued?: Issued;
  readonly publicKey?: PublicKey;
};

const stateOf = ({ digest, former, rotatedAt, issued, publicKey }: Credential): State => ({
  digest: digest.toHex(),
  ...(former && { former: { ...former, digest: former.digest.toHex() } }),
  ...(rotatedAt !== undefined && { rotatedAt }),
  ...(issued && publicKey && { issued, publicKey }),
});

/** Which secrets a credential has since one of them was replaced or ended. */
export const noteSecret = (rulings: Rulings, unit: Unit, credential: Credential): Promise<void> =>
  rulings.note(unit, kind, credential.id, stateOf(credential), credential.expiresAt);

/** Those that it got last are its secrets: an older one would bring back whoever had to go, and with none at all a fleet would fall silent. */
export const secretRuling = (spaces: Spaces): Kind =>
  kindOf<State>({
    kind,
    async find(unit, about) {
      const credential = isCredentialId(about) ? await authorityIn(unit).credential(about) : undefined;
      return credential && stateOf(credential);
    },
    narrowest: (_, said) => said,
    until: async (unit, about) =>
      isCredentialId(about) ? (await authorityIn(unit).credential(about))?.expiresAt : undefined,
    async save(unit, about, { digest, former, rotatedAt, ...certified }) {
      const before = isCredentialId(about) ? await authorityIn(unit).credentialToChange(about) : undefined;
      if (!before) return;
      const credential: Credential = {
        ...before,
        digest: Uint8Array.fromHex(digest),
        former: former && { ...former, digest: Uint8Array.fromHex(former.digest) },
        rotatedAt,
        ...certified,
        version: before.version + 1,
      };
      await authorityIn(unit).save(credential);
      unit.afterCommit(() => spaces.apply(unit.scope.org, (space) => space.replace(credential)));
    },
  });

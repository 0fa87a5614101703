import { idFrom, parseId, Refusal, uuidOf, type Clock, type Id, type Instant } from "@holdfast/kernel";
import type { Storage, Unit } from "../storage/index.ts";
import { nobody } from "./circumstances.ts";
import type { Issuer } from "./issuer.ts";
import { issuersIn, type Ended } from "./issuer-rows.ts";
import type { Signer } from "./issuing.ts";
import { authorityIn } from "./postgres.ts";
import { compile, standingOf } from "./power.ts";
import type { Space } from "./space.ts";
import { asPlatform, type Spaces } from "./spaces.ts";

type Needs = {
  readonly storage: Storage;
  readonly spaces: Spaces;
  readonly signer: Pick<Signer, "list">;
  readonly clock: Clock;
};

/** What was made, of what was known: whatever may have turned a yes into a no makes another. */
type Made = { readonly space: Space; readonly epoch: number; readonly at: Instant; readonly list: Promise<Uint8Array> };

const minute = 60_000;
/** Renewals turn no yes into a no at once: what they replaced is listed by then. */
const longest = 5 * minute;
const lifeOfList = 24 * 60 * minute;
const mostMade = 1_000;

/** The revocation lists of organisations' own authorities, for those who read certificates without asking the platform. */
export class RevocationLists {
  readonly #needs: Needs;
  readonly #made = new Map<Id<"certificateAuthority">, Made>();

  constructor(needs: Needs) {
    this.#needs = needs;
  }

  /** Whoever asks need not have shown anything. In DER. @throws Refusal `certificateAuthority.unknown` */
  async of(file: string): Promise<Uint8Array> {
    const unknown = new Refusal("certificateAuthority.unknown");
    const [, text] = /^(cau_[0-9a-f]{32})\.crl$/.exec(file) ?? [];
    if (text === undefined) throw unknown;
    const id = parseId("certificateAuthority", text);
    const { storage, spaces, clock } = this.#needs;
    const [row] = await storage.directory.call<{ org: string }>("org_of_authority", [uuidOf(id)]);
    if (!row) throw unknown;
    const space = await spaces.of(idFrom("org", row.org));
    const issuer = space.issuer(id);
    if (!issuer) throw unknown;
    const now = clock.now();
    const before = this.#made.get(id);
    const isGood = before?.space === space && before.epoch === space.cell.epoch && Math.abs(now - before.at) < longest;
    if (before && isGood) return before.list;
    // Its number grows, also where the clock was set back.
    const at = Math.max(now, (before?.at ?? 0) + 1) as Instant; // milliseconds both
    const made = { space, epoch: space.cell.epoch, at, list: this.#make(space, issuer, at) };
    if (this.#made.size >= mostMade) this.#made.clear();
    this.#made.set(id, made);
    made.list.catch(() => this.#made.delete(id));
    return made.list;
  }

  #make(space: Space, issuer: Issuer, at: Instant): Promise<Uint8Array> {
    const { storage, signer } = this.#needs;
    return storage.read(asPlatform(space.scope), async (unit) => {
      const rows = issuersIn(unit);
      const key = await rows.keyOf(issuer.id);
      const ended = [...(await rows.gone(issuer.id)), ...(await this.#revokedIn(unit, space, issuer, at))];
      const next = Math.min(at + lifeOfList, issuer.notAfter) as Instant; // milliseconds both
      return signer.list({ certificate: issuer.certificate, key }, { at, next, ended });
    });
  }

  /** Since when is not kept: they are listed as of now. */
  async #revokedIn(unit: Unit, space: Space, { id }: Issuer, at: Instant): Promise<readonly Ended[]> {
    const present = await issuersIn(unit).present(id);
    const found = await authorityIn(unit).credentialsOf(present.map(({ credential }) => credential));
    const above = new Map((await authorityIn(unit).ancestorsOf(found)).map((one) => [one.id, one]));
    const now = this.#needs.clock.now();
    const good = new Map(
      found
        .filter(
          (one) =>
            standingOf(
              compile(space, one, nobody, now, (parent) => above.get(parent)),
              now,
            ) === "active",
        )
        .map((one) => [one.id, one]),
    );
    return present.flatMap(({ serial, credential }) => {
      const shown = good.get(credential);
      const isShown = shown?.issued?.serial === serial || (shown?.former && now < shown.former.endsAt);
      return isShown ? [] : [{ serial, since: at }];
    });
  }
}

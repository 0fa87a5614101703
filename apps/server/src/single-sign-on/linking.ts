import { Refusal, type Clock, type Id, type Instant } from "@holdfast/kernel";
import { asPlatform, type Revocation, type Session, type Space, type Spaces, type Visit } from "../authority/index.ts";
import { organisationsIn, organisationsOf, spacesOf } from "../identity/index.ts";
import type { Keyring, Storage } from "../storage/index.ts";
import { linkOf } from "./marks.ts";
import { providersIn, subjectsIn } from "./postgres.ts";
import type { Answer, SigningIn } from "./signing-in.ts";

type Needs = {
  readonly storage: Storage;
  readonly keys: Keyring;
  readonly spaces: Spaces;
  readonly revocation: Revocation;
  readonly signingIn: SigningIn;
  readonly clock: Clock;
};

/** A provider of an organisation that somebody is a member of, and since when she comes by it. */
export type Own = {
  readonly provider: Id<"provider">;
  readonly name: string;
  readonly org: Id<"org">;
  readonly orgName: string;
  readonly linkedAt: Instant | undefined;
};

/** A person who has an account says herself that she is somebody at a provider: nobody else may, whatever e-mail the provider says. */
export class Linking {
  readonly #needs: Needs;

  constructor(needs: Needs) {
    this.#needs = needs;
  }

  async all({ person }: Session): Promise<readonly Own[]> {
    const { storage, keys } = this.#needs;
    const found: Own[] = [];
    for (const { scope, org } of await this.#spacesOf(person)) {
      found.push(
        ...(await storage.read(asPlatform(scope), async (unit) => {
          const { name: orgName } = await organisationsIn(unit).own();
          const linked = new Map((await subjectsIn(unit).of(person)).map((one) => [one.provider, one.createdAt]));
          const all = (await providersIn(unit, keys).all()).filter(({ id, isEnabled }) => isEnabled || linked.has(id));
          return all.map(({ id, name }): Own => ({ provider: id, name, org, orgName, linkedAt: linked.get(id) }));
        })),
      );
    }
    return found;
  }

  /** @throws Refusal `provider.unknown` where she is no member, too */
  async begin({ person }: Session, { org, provider }: { org: Id<"org">; provider: Id<"provider"> }, visit: Visit) {
    const { signingIn } = this.#needs;
    const isMember = (await this.#spacesOf(person)).some((space) => space.org === org);
    const open = isMember ? await signingIn.open(org, provider) : undefined;
    if (!open) throw new Refusal("provider.unknown");
    const why = { kind: "link", person } as const;
    return signingIn.send(open, { isFresh: true, why }, visit);
  }

  /** @throws Refusal `provider.stale` for somebody else, `provider.linked` */
  async end({ person }: Session, answer: Answer, errandText: string | undefined) {
    const { storage, signingIn, clock } = this.#needs;
    const { space, provider, errand, said } = await signingIn.back(answer, errandText);
    const { why } = errand;
    if (why.kind !== "link" || why.person !== person || !space.member(person)) throw new Refusal("provider.stale");
    const { id, issuer } = provider;
    const who = { issuer, subject: said.subject };
    const linked = { provider: id, org: space.org };
    const isSoAlready = await storage.read(
      asPlatform(space.scope),
      async (unit) => (await subjectsIn(unit).find(id, who))?.person === person,
    );
    if (isSoAlready) return linked;
    const actor = { kind: "credential", id: person, person } as const;
    await storage.change({ scope: space.scope, actor }, async (unit) => {
      const rows = subjectsIn(unit);
      const hers = (await rows.of(person)).some((one) => one.provider === id);
      if (hers || (await rows.find(id, who))) throw new Refusal("provider.linked");
      await rows.add({ provider: id, ...who, person, createdAt: clock.now() });
      unit.audit({ what: "provider.linked", about: person, facts: { provider: id } });
    });
    return linked;
  }

  /** @throws Refusal `provider.unknown` where she does not come by it */
  async remove({ person }: Session, provider: Id<"provider">): Promise<void> {
    const { storage, revocation } = this.#needs;
    for (const { scope } of await this.#spacesOf(person)) {
      const isHere = await storage.read(asPlatform(scope), async (unit) =>
        (await subjectsIn(unit).of(person)).some((one) => one.provider === provider),
      );
      if (!isHere) continue;
      const actor = { kind: "credential", id: person, person } as const;
      return storage.change({ scope, actor }, async (unit) => {
        await subjectsIn(unit).remove(provider, person);
        await revocation.in(unit, linkOf(provider, person), ["people"]);
        unit.audit({ what: "provider.unlinked", about: person, facts: { provider } });
      });
    }
    throw new Refusal("provider.unknown");
  }

  async #spacesOf(person: Id<"person">): Promise<readonly Space[]> {
    const spaces = await spacesOf(this.#needs, await organisationsOf(this.#needs, person));
    return spaces.filter((space) => space.member(person));
  }
}

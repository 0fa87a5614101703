import { newId, Refusal, uuidOf, type Clock, type Id, type Random } from "@holdfast/kernel";
import { callbackOf } from "@holdfast/protocol";
import {
  authorityIn,
  inPerson,
  refusedBy,
  refuseGivingMore,
  type Permit,
  type Revocation,
  type Space,
  type Spaces,
} from "../authority/index.ts";
import { tryOut, type Finding, type OpenId, type Registration } from "../outbound/index.ts";
import { pageOf, violates, type Keyring, type Page, type Storage, type Unit } from "../storage/index.ts";
import type { Domain } from "./domain.ts";
import { linkOf } from "./marks.ts";
import { domainsIn, providersIn, subjectsIn, type Linked } from "./postgres.ts";
import { isAboutRoles, isAnother, narrows, rolesIn, withChange, type Provider } from "./provider.ts";

type Needs = {
  readonly storage: Storage;
  readonly keys: Keyring;
  readonly spaces: Spaces;
  readonly revocation: Revocation;
  readonly openId: OpenId;
  readonly clock: Clock;
  readonly random: Random;
  /** Where the platform is, by a name that is in its certificate. */
  readonly address: () => string;
};

type Written = Pick<Provider, "name" | "issuer" | "clientId" | "scopes"> & {
  readonly [K in "shortName" | "joins" | "roles" | "secondFactor"]?: Provider[K];
} & { readonly clientSecret?: string | undefined };

type Change = Parameters<typeof withChange>[1] & { readonly clientSecret?: string | null | undefined };

/** As it is shown, with its domains. */
export type Shown = { readonly provider: Provider; readonly domains: readonly Domain[] };

const most = 10;
const mark = ["people"] as const;

/** Which providers an organisation has, and what each gives. How people come by them stands in `SigningIn`. */
export class Providers {
  readonly #needs: Needs;

  constructor(needs: Needs) {
    this.#needs = needs;
  }

  async all(permit: Permit<"provider.read">): Promise<readonly Shown[]> {
    const { storage, keys } = this.#needs;
    return storage.read(permit, async (unit) => {
      const domains = await domainsIn(unit, keys).all();
      return (await providersIn(unit, keys).all()).map((provider) => shown(provider, domains));
    });
  }

  async read(permit: Permit<"provider.read">, id: Id<"provider">): Promise<Shown> {
    const found = (await this.all(permit)).find(({ provider }) => provider.id === id);
    if (!found) throw refusedBy(permit, "provider.read", id, new Refusal("provider.unknown"));
    return found;
  }

  /** Nobody comes by it yet. @throws Refusal `role.amplifies`, `provider.tooMany`, `provider.nameTaken` */
  async create(permit: Permit<"provider.manage">, { clientSecret, ...written }: Written): Promise<Shown> {
    const { storage, keys, clock, random } = this.#needs;
    storage.admit();
    return named(
      storage.change(permit, async (unit) => {
        const { person } = inPerson(permit, "provider.manage");
        for (const role of rolesIn({ joins: undefined, roles: undefined, ...written }))
          refuseGivingMore(permit, "provider.manage", role);
        const rows = providersIn(unit, keys);
        if ((await rows.all()).length >= most) throw new Refusal("provider.tooMany");
        const nothing = { shortName: undefined, joins: undefined, roles: undefined, secondFactor: undefined };
        const provider: Provider = {
          ...nothing,
          ...written,
          id: newId("provider", random),
          hasSecret: clientSecret !== undefined,
          isEnabled: false,
          madeBy: person,
          createdAt: clock.now(),
          since: await authorityIn(unit).nextSeq(),
          version: 1,
        };
        await rows.add(provider);
        if (clientSecret !== undefined) await rows.setSecret(provider.id, clientSecret);
        unit.audit({ what: "provider.created", about: provider.id, facts: factsOf(provider) });
        return { provider, domains: [] };
      }),
    );
  }

  /**
   * Whoever makes it another one, or says what people become by it, has to be able to give that: else it would be given by somebody
   * whom he controls.
   * @throws Refusal `provider.unknown`, `provider.inUse`, `role.amplifies`, `request.conflict`, `request.malformed`
   */
  async update(
    permit: Permit<"provider.manage">,
    id: Id<"provider">,
    { clientSecret, ...change }: Change,
    versions: readonly number[] | undefined,
  ): Promise<Shown> {
    const { storage, keys, spaces, revocation } = this.#needs;
    const space = await spaces.of(permit.scope.org);
    return named(
      storage.change(permit, async (unit) => {
        const { person } = inPerson(permit, "provider.manage");
        const rows = providersIn(unit, keys);
        const before = await findIn(unit, keys, permit, id);
        if (versions && !versions.includes(before.version)) throw new Refusal("request.conflict");
        const secret = clientSecret === undefined ? {} : { hasSecret: clientSecret !== null };
        const changed = withChange(before, { ...change, ...secret });
        if (changed.issuer !== before.issuer && before.hasSecret && clientSecret === undefined) {
          const message = "missing: the one that is kept was told by another issuer, and would be told to this one";
          throw new Refusal("request.malformed", { faults: [{ path: "clientSecret", message }] });
        }
        const domains = await domainsIn(unit, keys).all();
        if (isAnother(before, changed) || (before.isEnabled && !changed.isEnabled)) refuseInUse(space, id, domains);
        const isGivingAnew = isAboutRoles(before, changed) || isAnother(before, changed);
        if (isGivingAnew) for (const role of rolesIn(changed)) refuseGivingMore(permit, "provider.manage", role);
        // In the keyring's journal as well: an older backup of the database must not bring it back as it was.
        if (narrows(before, changed)) await revocation.in(unit, id, mark);
        const madeBy = isGivingAnew ? person : before.madeBy;
        const provider = { ...changed, madeBy, since: await authorityIn(unit).nextSeq() };
        await rows.save(provider);
        if (clientSecret !== undefined) await rows.setSecret(id, clientSecret);
        const facts = { ...factsOf(provider), ...(clientSecret !== undefined && { secret: "another" }) };
        unit.audit({ what: "provider.updated", about: id, facts });
        return shown(provider, domains);
      }),
    );
  }

  /** @throws Refusal `provider.unknown`, `provider.inUse` */
  async remove(permit: Permit<"provider.manage">, id: Id<"provider">): Promise<void> {
    const { storage, keys, spaces, revocation } = this.#needs;
    const space = await spaces.of(permit.scope.org);
    await storage.change(permit, async (unit) => {
      inPerson(permit, "provider.manage");
      const { name } = await findIn(unit, keys, permit, id);
      refuseInUse(space, id, await domainsIn(unit, keys).all());
      await revocation.in(unit, id, mark);
      await providersIn(unit, keys).remove(id);
      unit.audit({ what: "provider.removed", about: id, facts: { name } });
    });
  }

  async tryOut(permit: Permit<"provider.manage">, id: Id<"provider">): Promise<readonly Finding[]> {
    const { storage, keys, openId, address } = this.#needs;
    const { provider, registration } = await storage.read(permit, async (unit) => {
      const found = await findIn(unit, keys, permit, id);
      return { provider: found, registration: await registrationOf(unit, keys, found) };
    });
    const { scopes, roles } = provider;
    const redirectUri = `${address()}${callbackOf(permit.scope.org)}`;
    return tryOut(openId, registration, { scopes, claims: roles ? [roles.claim] : [], redirectUri });
  }

  async people(
    permit: Permit<"provider.read">,
    id: Id<"provider">,
    asked: { limit: number; cursor?: string | undefined },
  ): Promise<Page<Linked>> {
    const { storage, keys } = this.#needs;
    await storage.read(permit, async (unit) => {
      if (!(await providersIn(unit, keys).find(id)))
        throw refusedBy(permit, "provider.read", id, new Refusal("provider.unknown"));
    });
    return pageOf(asked, (after, count) => storage.read(permit, (unit) => subjectsIn(unit).page(id, after, count)), {
      at: ({ createdAt }) => createdAt,
      id: ({ person }) => uuidOf(person),
    });
  }

  /** @throws Refusal `provider.unknown`, `member.unknown` */
  async unlink(permit: Permit<"provider.manage">, id: Id<"provider">, person: Id<"person">): Promise<void> {
    const { storage, keys, revocation } = this.#needs;
    await storage.change(permit, async (unit) => {
      await findIn(unit, keys, permit, id);
      if (!(await subjectsIn(unit).remove(id, person)))
        throw refusedBy(permit, "provider.manage", person, new Refusal("member.unknown"));
      await revocation.in(unit, linkOf(id, person), mark);
      unit.audit({ what: "provider.unlinked", about: person, facts: { provider: id } });
    });
  }
}

/** @throws Refusal `provider.unknown` */
export async function findIn(
  unit: Unit,
  keys: Keyring,
  permit: Permit<"provider.manage">,
  id: Id<"provider">,
): Promise<Provider> {
  const found = await providersIn(unit, keys).find(id);
  if (!found) throw refusedBy(permit, "provider.manage", id, new Refusal("provider.unknown"));
  return found;
}

export const registrationOf = async (unit: Unit, keys: Keyring, provider: Provider): Promise<Registration> => ({
  issuer: provider.issuer,
  clientId: provider.clientId,
  clientSecret: await providersIn(unit, keys).secretOf(provider),
});

const shown = (provider: Provider, domains: readonly Domain[]): Shown => ({
  provider,
  domains: domains.filter((one) => one.provider === provider.id),
});

/** Of these domains those that members have to come by the provider for. */
export const demandedIn = ({ demands }: Space): ReadonlySet<string> => new Set(demands.people?.provider?.domains);

function refuseInUse(space: Space, id: Id<"provider">, domains: readonly Domain[]): void {
  const demanded = demandedIn(space);
  if (domains.some(({ provider, domain }) => provider === id && demanded.has(domain)))
    throw new Refusal("provider.inUse");
}

async function named<T>(changing: Promise<T>): Promise<T> {
  try {
    return await changing;
  } catch (error) {
    throw violates(error, "provider_name_index_key") ? new Refusal("provider.nameTaken", { cause: error }) : error;
  }
}

const factsOf = ({ name, issuer, clientId, isEnabled, joins, roles }: Provider) => ({
  name,
  issuer,
  clientId,
  isEnabled,
  ...(joins !== undefined && { joins }),
  ...(roles && { roles: JSON.stringify(roles) }),
});

import { idFrom, isRefusal, Refusal, uuidOf, type Id, type Instant } from "@holdfast/kernel";
import {
  asPlatform,
  inPerson,
  withinReach,
  type Permit,
  type Space,
  type Reach,
  type Spaces,
} from "../authority/index.ts";
import { organisationsIn } from "../identity/index.ts";
import { deviceNamesIn } from "../registry/index.ts";
import { pageOf, type Page, type Storage } from "../storage/index.ts";
import type { CertificateInfo, Certificates, Step } from "../tls/index.ts";
import { trustedIn } from "./postgres.ts";
import { digestOf, trustOf, type Trust, type Trusted } from "./trusted.ts";

type Needs = {
  readonly storage: Storage;
  readonly spaces: Spaces;
  readonly certificates: Pick<Certificates, "list" | "staging" | "switchTo">;
};

export type Counts = Record<Trust, number>;
/** What an organisation has that would, or may, be cut off. */
export type OfOrganisation = { readonly id: Id<"org">; readonly behind: number; readonly unknown: number };

export type Stages = {
  readonly roots: readonly CertificateInfo[];
  readonly version: number;
  readonly switchesAt: Instant;
  readonly isSpareHere: boolean;
  readonly devices: Readonly<Record<Step, Counts>>;
  readonly organisations: readonly OfOrganisation[];
};

/** A device that would, or may, be cut off. */
export type Left = {
  readonly device: Id<"device">;
  readonly name: string;
  readonly application: Id<"application">;
  readonly trust: Exclude<Trust, "ready">;
  readonly trusted: Trusted | undefined;
};

type Asked = {
  readonly to: Step;
  readonly trust: Left["trust"] | undefined;
  readonly limit: number;
  readonly cursor: string | undefined;
};

const mostOrganisations = 100;
const steps = ["coming", "spare"] as const satisfies readonly Step[];

/** Which roots devices trust, and how the platform goes over from one to the next without losing any of them unseen. */
export class Roots {
  readonly #needs: Needs;

  constructor(needs: Needs) {
    this.#needs = needs;
  }

  /** @throws Refusal `roots.notOurs` */
  async stages(permit: Permit<"instance.read">): Promise<Stages> {
    permit.askAgain();
    const { certificates } = this.#needs;
    const { bundle, switchesAt } = certificates.staging;
    const isSpareHere = await certificates.staging.isSpareHere();
    const { devices, organisations } = await this.#counted();
    return {
      roots: certificates.list(),
      version: bundle.version,
      switchesAt,
      isSpareHere,
      devices,
      organisations: organisations
        .toSorted((a, b) => b.behind + b.unknown - (a.behind + a.unknown))
        .slice(0, mostOrganisations),
    };
  }

  /**
   * @param cutOff how many devices may reach the platform no more: exactly as many as there are, so that whoever says it has seen it
   * @throws Refusal `roots.cutOff`, `roots.spareAway`, `roots.notOurs`, `request.conflict` where another switch came between
   */
  async switchTo(permit: Permit<"instance.manage">, to: Step, cutOff: number) {
    const { storage, certificates } = this.#needs;
    inPerson(permit, "instance.manage");
    const wanted = rootOf(certificates, to);
    if (to === "spare" && !(await certificates.staging.isSpareHere())) throw new Refusal("roots.spareAway");
    const { behind, unknown } = (await this.#counted()).devices[to];
    if (behind + unknown !== cutOff) {
      const detail = `${behind} are known not to trust it, and ${unknown} have not said: ${behind + unknown} together.`;
      throw new Refusal("roots.cutOff", { detail });
    }
    // Before it is done, as whoever administers the instance is noted: nothing is switched that nobody sees.
    const facts = { to, root: wanted.sha256, cutOff };
    await storage.change(permit, async (unit) => unit.audit({ what: "roots.switched", about: permit.on, facts }));
    try {
      await certificates.switchTo(to, wanted.sha256);
    } catch (error) {
      await storage.change(permit, async (unit) => unit.audit({ what: "roots.notSwitched", about: permit.on, facts }));
      throw error;
    }
    return { current: rootOf(certificates, "current"), version: certificates.staging.bundle.version };
  }

  /** In the order of their ids. @throws Refusal `roots.notOurs`, `cursor.malformed` */
  async left(reach: Reach<"device.read">, asked: Asked): Promise<Page<Left>> {
    const { storage, spaces, certificates } = this.#needs;
    const digest = digestOf(rootOf(certificates, asked.to).sha256);
    const space = await spaces.of(reach.scope.org);
    return storage.read(reach, async (unit) => {
      const said = await trustedIn(unit).all();
      const isWithin = withinReach(reach);
      const found = [...space.devices]
        .filter(([device, placement]) => comesByItself(space, device, said) && isWithin(device, placement))
        .map(([device, { application }]) => ({ device, application, trusted: said.get(device) }))
        .flatMap((one) => {
          const trust = trustOf(one.trusted, digest);
          return trust === "ready" || (asked.trust && trust !== asked.trust) ? [] : [{ ...one, trust }];
        })
        .toSorted((a, b) => (a.device < b.device ? -1 : 1));
      const page = await pageOf(
        asked,
        async (after, most) => found.filter(({ device }) => !after || uuidOf(device) > after.id).slice(0, most),
        { at: () => 0, id: ({ device }) => uuidOf(device) },
      );
      const names = await deviceNamesIn(
        unit,
        page.items.map(({ device }) => device),
      );
      return { ...page, items: page.items.map((one) => ({ ...one, name: names.get(one.device) ?? one.device })) };
    });
  }

  async #counted() {
    const { storage, certificates } = this.#needs;
    const digests = {
      coming: digestOf(rootOf(certificates, "coming").sha256),
      spare: digestOf(rootOf(certificates, "spare").sha256),
    };
    const devices = { coming: none(), spare: none() };
    const organisations: OfOrganisation[] = [];
    for (const { org: uuid } of await storage.directory.call<{ org: string }>("all_orgs", [])) {
      const org = idFrom("org", uuid);
      const own = await unlessErased(() => this.#countIn(org, digests));
      if (!own) continue;
      for (const step of steps) for (const trust of trusts) devices[step][trust] += own[step][trust];
      const { behind, unknown } = own.coming;
      if (behind + unknown > 0) organisations.push({ id: org, behind, unknown });
    }
    return { devices, organisations };
  }

  async #countIn(org: Id<"org">, digests: Readonly<Record<Step, string>>): Promise<Record<Step, Counts>> {
    const { storage, spaces } = this.#needs;
    const space = await spaces.of(org);
    const counts = { coming: none(), spare: none() };
    await storage.read(asPlatform(space.scope), async (unit) => {
      // Simulated devices trust what the platform trusts.
      if ((await organisationsIn(unit).find())?.isSimulated) return;
      const said = await trustedIn(unit).all();
      for (const device of space.devices.keys())
        if (comesByItself(space, device, said))
          for (const step of steps) counts[step][trustOf(said.get(device), digests[step])] += 1;
    });
    return counts;
  }
}

const trusts = ["ready", "behind", "unknown"] as const satisfies readonly Trust[];
const none = (): Counts => ({ ready: 0, behind: 0, unknown: 0 });

/** What is retired does not come at all, and a child for which a gateway speaks comes by that, unless it ever said itself what it trusts. */
function comesByItself(space: Space, device: Id<"device">, said: ReadonlyMap<Id<"device">, unknown>): boolean {
  if (space.device(device)?.state === "retired") return false;
  const gateway = space.gatewayOf(device);
  return gateway === undefined || space.device(gateway)?.state !== "active" || said.has(device);
}

/** @throws Refusal `roots.notOurs` */
function rootOf(certificates: Needs["certificates"], wanted: Step | "current"): CertificateInfo {
  const { staging: _ours } = certificates;
  const found = certificates.list().find(({ state }) => state === wanted);
  if (!found) throw new Error(`there is no ${wanted} root`);
  return found;
}

/** `undefined` of an organisation that is being erased. */
async function unlessErased<T>(asked: () => Promise<T>): Promise<T | undefined> {
  try {
    return await asked();
  } catch (error) {
    if (isRefusal(error, "org.unknown")) return undefined;
    throw error;
  }
}

import {
  because,
  idFrom,
  newId,
  Refusal,
  type Clock,
  type Id,
  type Random,
  type Report,
  type Timers,
} from "@holdfast/kernel";
import {
  asPlatform,
  authorityIn,
  type Authentication,
  type Minting,
  type Permit,
  type Revocation,
  type Spaces,
} from "../authority/index.ts";
import { found, organisationsIn } from "../identity/index.ts";
import type { OwnListeners } from "../outbound/index.ts";
import type { Catalogue, Registry } from "../registry/index.ts";
import type { Keyring, Storage } from "../storage/index.ts";
import type { Telemetry } from "../telemetry/index.ts";
import { chanceOf } from "./chance.ts";
import { furnish } from "./furnish.ts";
import { Player } from "./player.ts";
import { fleet, orgName, type Played } from "./site.ts";

type Needs = {
  readonly isOffered: boolean;
  readonly storage: Storage;
  readonly keys: Keyring;
  readonly spaces: Spaces;
  readonly authentication: Authentication;
  readonly minting: Minting;
  readonly revocation: Revocation;
  /** Of an organisation and all that it holds nothing is left. */
  readonly erase: (org: Id<"org">) => Promise<void>;
  readonly catalogue: Catalogue;
  readonly registry: Registry;
  readonly telemetry: Telemetry;
  readonly door: OwnListeners;
  readonly maximumMessage: number;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly report: Report;
};

/** The simulated fleet: a dozen devices in an organisation of their own, which is marked for good. There is one, or none. */
export class Simulation {
  readonly #needs: Needs;
  #players: readonly Player[] = [];
  #plays: Id<"org"> | undefined;
  /** What was begun in the background. */
  #running: Promise<void> = Promise.resolve();
  #isStopping = false;

  constructor(needs: Needs) {
    this.#needs = needs;
  }

  get isOffered(): boolean {
    return this.#needs.isOffered;
  }

  /** Makes the organisation, which is there when it is answered; its devices follow. `undefined` when that failed, which was reported. */
  async begin(person: Id<"person">): Promise<Id<"org"> | undefined> {
    const { storage, random, report } = this.#needs;
    try {
      storage.admit();
      const scope = await storage.makeOrg(newId("org", random));
      const member = { role: "owner", administrator: false } as const;
      const { org, token } = await found(this.#needs, {
        scope,
        person,
        member,
        name: orgName,
        proofs: ["password"],
        isSimulated: true,
      });
      this.#inBackground(async () => {
        await furnish(this.#needs, token);
        await this.#play(org, "a day ago");
      });
      return org;
    } catch (error) {
      report("The simulated fleet could not be made.", because(error));
      return undefined;
    }
  }

  /** At start: the fleet goes on when there is one, and one whose end was cut short is gone. */
  resume(): void {
    this.#inBackground(async () => {
      const { storage } = this.#needs;
      const orgs = await storage.directory.call<{ org: string }>("all_orgs", []);
      for (const org of orgs.map((row) => idFrom("org", row.org))) {
        if (this.#isStopping) return;
        const allowed = asPlatform(await storage.scopeOf(org));
        const { isSimulated, isEnded } = await storage.read(allowed, (unit) => organisationsIn(unit).own());
        if (isEnded) return this.#needs.erase(org);
        if (isSimulated) return this.isOffered ? this.#play(org, "now") : undefined;
      }
    });
  }

  /**
   * The fleet falls silent, and its organisation is erased with all that it holds. Nothing of it can sign in from the moment that this
   * is committed; what a stop leaves undone is done at the next start.
   */
  async end(permit: Permit<"simulation.end">): Promise<void> {
    const { storage, revocation, report } = this.#needs;
    const org = permit.on;
    await storage.change(permit, async (unit) => {
      const organisation = await organisationsIn(unit).own();
      if (!organisation.isSimulated) throw new Refusal("simulation.none");
      await organisationsIn(unit).save({ ...organisation, isEnded: true, version: organisation.version + 1 });
      unit.audit({ what: "simulation.ended", about: org });
      unit.afterCommit(() => void this.#silence());
      // People stay for the moment that the rest takes: they are told that there is no such organisation, rather than signed out.
      await revocation.in(unit, org, ["devices", "programs"]);
    });
    await this.#inTurn(() => this.#needs.erase(org));
    report(`The simulated fleet was removed, with its organisation ${org}.`);
  }

  /** Before the listeners close. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    await this.#silence();
    await this.#running;
    await this.#silence(); // whoever began meanwhile
    this.#needs.door.close();
  }

  /** This organisation is about to be erased. */
  async silence(org: Id<"org">): Promise<void> {
    if (org === this.#plays) await this.#silence();
  }

  async #silence(): Promise<void> {
    await Promise.all(this.#players.map((player) => player.stop()));
  }

  /** Each device gets a new key, which is in memory alone; those before are over. */
  async #play(org: Id<"org">, from: "now" | "a day ago"): Promise<void> {
    const { storage, spaces, minting, revocation } = this.#needs;
    const space = await spaces.of(org);
    const byAlias = new Map(fleet.map((played) => [played.alias, played]));
    const devices: { id: Id<"device">; played: Played }[] = [];
    for (const [id, { alias = "", state }] of space.devices) {
      const played = byAlias.get(alias);
      if (played && state !== "retired") devices.push({ id, played });
    }
    const keyed = await storage.change(asPlatform(space.scope), async (unit) => {
      const { isEnded } = await organisationsIn(unit).own(); // somebody may have been quick
      const made = [];
      for (const { id, played } of isEnded ? [] : devices) {
        await authorityIn(unit).removeKeysOf(id);
        await revocation.in(unit, id, ["devices"]);
        made.push({ played, key: await minting.playedKeyIn(unit, id) });
      }
      unit.audit({ what: "simulation.started", about: org, facts: { devices: made.length } });
      return made;
    });
    if (this.#isStopping) return;
    const chance = chanceOf(this.#needs.random);
    this.#plays = org;
    this.#players = keyed.map(({ played, key }) => new Player(played, { ...this.#needs, key, chance }));
    for (const player of this.#players) player.begin(from);
  }

  /** A fleet that is still being made is made before it ends. */
  #inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.#running.then(work);
    this.#running = done.catch(() => {}); // whoever asked hears of it
    return done;
  }

  #inBackground(work: () => Promise<void>): void {
    const { report } = this.#needs;
    this.#inTurn(work).catch((error: unknown) => {
      if (!this.#isStopping) report("The simulated fleet could not be started.", because(error));
    });
  }
}

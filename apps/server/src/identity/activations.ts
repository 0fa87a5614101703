import { digestSecret, isSecret, newSecret } from "@holdfast/crypto";
import { isId, isRefusal, Refusal, type Clock, type Id, type Instant, type Random } from "@holdfast/kernel";
import { commandClient, type Grant } from "@holdfast/protocol";
import {
  authorityIn,
  type Authentication,
  type Caller,
  type MintedToken,
  type Minting,
  type Session,
  type Sessions,
  type Spaces,
  type Visit,
} from "../authority/index.ts";
import type { Keyring, Storage } from "../storage/index.ts";
import { activationsIn } from "./activation-rows.ts";
import {
  approve,
  codeIn,
  interval,
  lettingInBy,
  lifetime,
  newCode,
  refuse,
  shownCode,
  undecided,
  type Activation,
  type Approval,
  type Asking,
  type Waiting,
} from "./activation.ts";
import { organisationsOf } from "./attempts.ts";
import type { KnownBrowsers } from "./known-browsers.ts";
import { peopleIn } from "./postgres.ts";
import type { SignInNotices } from "./sign-in-notices.ts";
import { tellOrganisations } from "./telling.ts";

/** Counts down by key. @throws Refusal `rate.exceeded` */
interface Limit {
  take(key: string): unknown;
  giveBack(key: string): void;
}

/** Keeps one network from filling it for all: what has to go when something more comes. */
interface Room {
  take(address: string, id: string): string | undefined;
}

type Needs = {
  storage: Storage;
  keys: Keyring;
  spaces: Spaces;
  sessions: Sessions;
  authentication: Authentication;
  minting: Minting;
  /** How often one person may show a code that there is not. */
  wrongCodes: Limit;
  room: Room;
  browsers: KnownBrowsers;
  notices: SignInNotices;
  clock: Clock;
  random: Random;
};

/** What a program is told that asks to be let in. */
export type Offer = {
  /** It alone knows it. */
  readonly secret: string;
  /** It shows this to whoever runs it. */
  readonly code: string;
  readonly expiresAt: Instant;
};

/** Programs that wait at once, all together: each is a row that a stranger may make. */
const most = 10_000;

/** For so long after its end a program is told that it is over, and not that there is no such thing. In milliseconds. */
const remembered = lifetime;

/** How much longer a program waits that asked too soon, in milliseconds (RFC 8628, 3.5). */
const slower = 5_000;

/** Programs without a browser come in: they ask, a person in hers lets them in or not, and what they get can do no more than she may. */
export class Activations {
  readonly #needs: Needs;

  constructor(needs: Needs) {
    this.#needs = needs;
  }

  /** @throws Refusal `program.unknown`, `rate.exceeded` */
  async ask(asking: Asking, { address }: Visit): Promise<Offer> {
    if (asking.program !== commandClient) throw new Refusal("program.unknown");
    const { storage, room, clock, random } = this.#needs;
    storage.admit();
    const secret = newSecret(random, "activation");
    const code = newCode(random);
    const askedAt = clock.now();
    const expiresAt = (askedAt + lifetime) as Instant; // milliseconds both
    const activation: Waiting = {
      ...asking,
      state: "waiting",
      digest: digestSecret(secret),
      address,
      askedAt,
      expiresAt,
    };
    await storage.instance.change(async (unit) => {
      const rows = activationsIn(unit, this.#needs);
      await rows.removeOlder(askedAt - remembered);
      const goes = room.take(address, activation.digest.toHex());
      if (goes !== undefined) await rows.remove(Uint8Array.fromHex(goes));
      const isFull = (await rows.count()) >= most;
      if (isFull || !(await rows.add(activation, code, interval))) {
        throw new Refusal("rate.exceeded", { retryAfterSeconds: 60 });
      }
    });
    return { secret, code: shownCode(code), expiresAt };
  }

  /** @throws Refusal `activation.unknown`; `rate.exceeded` to whoever tried too many that there are not */
  async read(session: Session, text: string): Promise<Waiting> {
    return this.#find(session.person, text);
  }

  /**
   * By a person in her browser, as a member of that organisation: what the program gets is hers, and no more than she may there.
   * @throws Refusal `activation.unknown`, `credential.amplifies`, `permit.missing`
   */
  async approve(caller: Caller, text: string, asked: { readonly lifetime: number | undefined }): Promise<void> {
    const { storage, minting } = this.#needs;
    const { credential, space } = caller;
    const { person } = credential;
    if (!person || credential.kind !== "session") {
      const detail = "A program is let in by a person in her browser, not by another program.";
      throw caller.refuse("connect", credential.id, detail, new Refusal("permit.missing", { detail }));
    }
    const found = await this.#find(person, text);
    const grants = found.grants ?? grantsOf(caller);
    const { org, scope } = space;
    const by = { person, org, session: credential.id, grants, lifetime: asked.lifetime ?? found.lifetime };
    minting.refuseToLend(caller, wantedOf(found, by));
    const issuedSeq = await storage.change({ scope, actor: caller.actor }, async (unit) => {
      unit.audit({ what: "activation.approved", about: person, facts: factsOf(found) });
      return authorityIn(unit).nextSeq();
    });
    await this.#decide(found, (waiting) => approve(waiting, { ...by, issuedSeq }));
    await this.#tell(caller, person, found);
  }

  /** As of a sign-in from there, which it becomes: of one from where none came before she hears. */
  async #tell({ credential, space }: Caller, id: Id<"person">, found: Waiting): Promise<void> {
    const { storage, browsers, notices } = this.#needs;
    const person = await storage.instance.read((unit) => peopleIn(unit, this.#needs).find(id));
    if (!person) return; // she is gone
    const by = credential.by?.find((mark) => isId("provider", mark));
    const orgs = by ? [space.org] : await organisationsOf({ storage }, id);
    const { address } = found;
    const from = { address, program: nameOfWaiting(found) };
    const arrival = await browsers.cameBy(id, { address, agent: from.program }, by);
    await notices.letIn({ person, orgs }, from, arrival, by);
  }

  /** All her organisations are told: nobody asked for one yet. @throws Refusal `activation.unknown` */
  async refuse(session: Session, text: string): Promise<void> {
    const found = await this.#find(session.person, text);
    await this.#decide(found, refuse);
    const { good } = await this.#needs.sessions.standings(session);
    const where = { person: session.person, orgs: good.map(({ space }) => space.org) };
    await tellOrganisations(this.#needs, where, "activation.refused", factsOf(found));
  }

  /**
   * The program asks what became of it. Once somebody let it in there is nothing left of it but the token.
   * @throws Refusal `activation.waiting`, `activation.tooSoon`, `activation.refused`, `activation.expired`, `activation.unknown`
   */
  async take(secret: string): Promise<MintedToken & { readonly grants: readonly Grant[] }> {
    if (!isSecret(secret, "activation")) throw new Refusal("activation.unknown");
    const approved = await this.#needs.storage.instance.change((unit) => this.#heard(unit, digestSecret(secret)));
    if (approved instanceof Refusal) throw approved;
    const { by } = approved;
    const { spaces, authentication, minting } = this.#needs;
    const space = await spaces.of(by.org);
    await authentication.credential(space, by.session);
    // She may have signed out, or been removed, since: then nobody let it in.
    const maker = authentication.known(space, by.session);
    if (!maker || !space.member(by.person)) throw new Refusal("activation.refused");
    const minted = await minting.lend(maker, wantedOf(approved, by), () => {
      // What she signed in with ended since, as by another password: so does this, which had not come yet.
      if (space.revokedBefore(lettingInBy(by.person), "people") > by.issuedSeq) throw new Refusal("activation.refused");
    });
    return { ...minted, grants: by.grants };
  }

  /** What is to be said is answered, not thrown: what was noted of it must stay. */
  async #heard(unit: Parameters<typeof activationsIn>[0], digest: Uint8Array) {
    const rows = activationsIn(unit, this.#needs);
    const heard = await rows.byDigest(digest);
    if (!heard) return new Refusal("activation.unknown");
    const { activation, heardAt, pause } = heard;
    const now = this.#needs.clock.now();
    if (now >= activation.expiresAt) return new Refusal("activation.expired");
    switch (activation.state) {
      case "approved":
        await rows.remove(digest);
        return activation;
      case "refused":
        return new Refusal("activation.refused");
      case "waiting": {
        const isTooSoon = heardAt !== undefined && now < heardAt + pause;
        await rows.hear(digest, now, isTooSoon ? pause + slower : pause);
        return new Refusal(isTooSoon ? "activation.tooSoon" : "activation.waiting");
      }
    }
  }

  /** Codes are short: whoever tries many that there are not has to wait, and until then the right one is not looked up either. */
  async #find(person: string, text: string): Promise<Waiting> {
    const { storage, clock, wrongCodes } = this.#needs;
    const code = codeIn(text);
    wrongCodes.take(person);
    try {
      const found =
        code === undefined
          ? undefined
          : await storage.instance.change((unit) => activationsIn(unit, this.#needs).byCode(code));
      const waiting = undecided(found, clock.now());
      wrongCodes.giveBack(person);
      return waiting;
    } catch (error) {
      if (!isRefusal(error, "activation.unknown")) wrongCodes.giveBack(person);
      throw error;
    }
  }

  /** Whoever is first decides. */
  async #decide({ digest }: Waiting, decision: (waiting: Waiting) => Activation): Promise<void> {
    const { storage, clock } = this.#needs;
    await storage.instance.change(async (unit) => {
      const rows = activationsIn(unit, this.#needs);
      await rows.save(decision(undecided((await rows.byDigest(digest))?.activation, clock.now())));
    });
  }
}

/** All that she may there. */
function grantsOf({ credential, space }: Caller): readonly Grant[] {
  const member = credential.person && space.member(credential.person);
  return member ? space.grantsOfMember(member) : [];
}

const nameOfWaiting = ({ program, machine }: Pick<Asking, "program" | "machine">): string =>
  machine === undefined ? program : `${program} on ${machine}`.slice(0, 200);

const wantedOf = ({ program, machine }: Asking, { grants, lifetime }: Pick<Approval, "grants" | "lifetime">) => ({
  name: nameOfWaiting({ program, machine }),
  grants,
  lifetime,
});

const factsOf = ({ program, machine, address }: Waiting) => ({ program, ...(machine && { machine }), address });

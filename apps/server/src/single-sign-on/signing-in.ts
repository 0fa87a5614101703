import { idFrom, isId, isRefusal, Refusal, type Clock, type Id, type Random } from "@holdfast/kernel";
import { callbackOf } from "@holdfast/protocol";
import {
  asPlatform,
  type OnRefusal,
  type Session,
  type Sessions,
  type Space,
  type Spaces,
  type Visit,
} from "../authority/index.ts";
import { peopleIn, type Invitations, type KnownBrowsers, type SignInNotices } from "../identity/index.ts";
import { NotAccepted, Unreachable, type OpenId, type Registration, type Said } from "../outbound/index.ts";
import type { Keyring, Storage } from "../storage/index.ts";
import { provedAtOf, type Arriving } from "./arriving.ts";
import type { Errand, Errands } from "./errand.ts";
import { leftOf, linkOf, sidOf } from "./marks.ts";
import { calledBy, providersIn } from "./postgres.ts";
import { showedSecondFactor, type Provider } from "./provider.ts";
import { registrationOf } from "./providers.ts";

type Needs = {
  readonly storage: Storage;
  readonly keys: Keyring;
  readonly spaces: Spaces;
  readonly openId: OpenId;
  readonly errands: Errands;
  readonly arriving: Arriving;
  readonly sessions: Pick<Sessions, "begin" | "reported">;
  readonly invitations: Pick<Invitations, "standing">;
  readonly browsers: Pick<KnownBrowsers, "cameWith">;
  readonly notices: Pick<SignInNotices, "brought">;
  readonly onRefusal: OnRefusal;
  readonly clock: Clock;
  readonly random: Random;
};

/** Somebody came by a provider, and what her browser is to keep. */
type Entered = {
  readonly session: Session;
  readonly cookie: string;
  readonly browser: string | undefined;
  readonly to: string | undefined;
};

type Asked = {
  readonly org?: string | undefined;
  readonly provider?: Id<"provider"> | undefined;
  readonly invitation?: string | undefined;
  readonly to?: string | undefined;
  readonly isFresh: boolean;
};

type Arrival = Awaited<ReturnType<KnownBrowsers["cameWith"]>>;

/** What came back by a browser. */
export type Answer = { readonly org: Id<"org">; readonly query: string };

/** A provider that people may be sent to now. */
export type Open = { readonly space: Space; readonly provider: Provider; readonly registration: Registration };

const nobodyCalled =
  "Nobody signs people in by that name. Ask who administers your organisation for its short name, or for its sign-in link.";
const nobodyHere = "This organisation signs nobody in itself, or the invitation stands no more.";

/** People come by the provider of an organisation: they are sent there, and come back. */
export class SigningIn {
  readonly #needs: Needs;

  constructor(needs: Needs) {
    this.#needs = needs;
  }

  /** @throws Refusal `provider.unknown`, alike for whatever is not there; `provider.unreachable` */
  async begin(asked: Asked, visit: Visit): Promise<{ readonly location: string; readonly errand: string }> {
    const open = await this.#called(asked);
    const { to, isFresh, invitation: secret } = asked;
    const why = secret === undefined ? ({ kind: "signIn" } as const) : ({ kind: "invitation", secret } as const);
    return this.send(open, { to, isFresh, why }, visit);
  }

  /** Sends a browser to the provider. @throws Refusal `provider.unreachable`, `origin.foreign` */
  async send(
    { space, provider, registration }: Open,
    { to, isFresh, why }: Pick<Errand, "isFresh" | "why"> & { readonly to?: string | undefined },
    { origin }: Visit,
  ): Promise<{ readonly location: string; readonly errand: string }> {
    const { openId, errands } = this.#needs;
    if (origin === undefined) throw new Refusal("origin.foreign");
    const { org } = space;
    const asked = errands.questions();
    // The page that it comes back to tells by that what to ask.
    const questions = why.kind === "link" ? { ...asked, state: `link.${asked.state}` } : asked;
    const redirectUri = `${origin}${callbackOf(org)}`;
    const scopes = [...new Set(["openid", ...provider.scopes])];
    const location = await this.#ask({ space, provider }, () =>
      openId.location(registration, { ...questions, redirectUri, scopes, isFresh }),
    );
    const { id, since } = provider;
    return { location, errand: errands.begin({ ...questions, org, provider: id, since, origin, isFresh, to, why }) };
  }

  /** What came back of it. @throws Refusal `provider.stale`, `provider.refused`, `provider.unreachable` */
  async back(
    answer: Answer,
    text: string | undefined,
  ): Promise<Open & { readonly errand: Errand; readonly said: Said }> {
    const { openId, errands } = this.#needs;
    const errand = errands.end(text);
    if (errand.org !== answer.org) throw new Refusal("provider.stale");
    const open = await this.open(errand.org, errand.provider);
    // It was changed meanwhile: who is whom there may be another question now.
    if (!open || open.provider.since !== errand.since) throw new Refusal("provider.stale");
    const callback = new URL(callbackOf(errand.org), errand.origin);
    callback.search = answer.query;
    return { ...open, errand, said: await this.#ask(open, () => openId.exchange(open.registration, callback, errand)) };
  }

  /** @throws Refusal as `back`; `provider.notAdmitted`, `invitation.invalid` */
  async end(answer: Answer, text: string | undefined, visit: Visit): Promise<Entered> {
    const { arriving, sessions, browsers, clock } = this.#needs;
    const { space, provider, errand, said } = await this.back(answer, text);
    const { why, origin, to } = errand;
    if (why.kind === "link") throw new Refusal("provider.stale");
    const person = await arriving
      .as(space, provider, said, why.kind === "invitation" ? why.secret : undefined)
      .catch((error: unknown) => {
        if (error instanceof Refusal) this.#note({ space, provider }, error.code);
        throw error;
      });
    const marks = [
      provider.id,
      linkOf(provider.id, person),
      leftOf(provider.id, person),
      ...(said.sid === undefined ? [] : [sidOf(space.scope, provider.id, said.sid)]),
    ];
    const arrival = await browsers.cameWith(person, visit, provider.id);
    const { session, cookie } = await sessions.begin(person, {
      proofs: showedSecondFactor(provider, said.claims) ? ["provider", "providerFactor"] : ["provider"],
      visit,
      only: space.org,
      by: { provider: provider.id, marks, signOutAt: said.signOutAt(`${origin}/sign-in`) },
      provedAt: provedAtOf(said, clock.now()),
      isFamiliar: arrival.isFamiliar,
    });
    // One browser has one session: that it had so far is over.
    if (visit.session !== undefined) await sessions.reported(visit.session, "signOut.again");
    await this.#tell(space, person, visit, arrival);
    return { session, cookie, browser: arrival.cookie, to };
  }

  async #tell({ org }: Space, id: Id<"person">, visit: Visit, arrival: Arrival): Promise<void> {
    const { storage, notices } = this.#needs;
    const person = await storage.instance.read((unit) => peopleIn(unit, this.#needs).find(id));
    if (person) await notices.brought({ person, orgs: [org] }, visit, arrival);
  }

  /** A provider that is switched on. */
  async open(org: Id<"org">, id?: Id<"provider">): Promise<Open | undefined> {
    const { storage, keys, spaces } = this.#needs;
    const space = await spaces.of(org).catch((error: unknown) => {
      if (isRefusal(error, "org.unknown")) return undefined; // it never was, or was erased
      throw error;
    });
    if (!space) return undefined;
    return storage.read(asPlatform(space.scope), async (unit) => {
      const all = await providersIn(unit, keys).all();
      const provider = all.find((one) => one.isEnabled && (id === undefined || one.id === id));
      return provider && { space, provider, registration: await registrationOf(unit, keys, provider) };
    });
  }

  async #called({ org, provider, invitation }: Asked): Promise<Open> {
    const found = invitation === undefined ? await this.#named(org ?? "", provider) : await this.#invited(invitation);
    if (!found) throw new Refusal("provider.unknown", { detail: invitation === undefined ? nobodyCalled : nobodyHere });
    return found;
  }

  async #invited(secret: string): Promise<Open | undefined> {
    const found = await this.#needs.invitations.standing(secret);
    return found && this.open(found.space.org);
  }

  async #named(called: string, provider: Id<"provider"> | undefined): Promise<Open | undefined> {
    const { storage, keys } = this.#needs;
    if (isId("org", called)) return this.open(called, provider);
    const name = called.trim().split("@").at(-1) ?? "";
    const rows = await storage.directory.call<{ org: string; id: string }>("provider_called", [calledBy(keys, name)]);
    const [row, ...others] = rows;
    // What two organisations proved to be theirs leads to neither of them.
    return row && others.length === 0 ? this.open(idFrom("org", row.org), idFrom("provider", row.id)) : undefined;
  }

  /** What is in the way is written down for the organisation; a stranger learns nothing of what is inside its house. */
  async #ask<T>(who: Pick<Open, "space" | "provider">, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof Unreachable) {
        this.#note(who, error.message);
        throw new Refusal("provider.unreachable", { cause: error });
      }
      if (!(error instanceof NotAccepted)) throw error;
      this.#note(who, error.message);
      throw new Refusal("provider.refused", { detail: `${error.message}.`, cause: error });
    }
  }

  #note({ space, provider }: Pick<Open, "space" | "provider">, because: string): void {
    this.#needs.onRefusal({ space, actor: { kind: "platform" } }, "connect", provider.id, because);
  }
}

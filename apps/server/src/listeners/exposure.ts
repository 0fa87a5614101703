import { asPlatform, type Authentication, type Leaks, type Sessions } from "../authority/index.ts";
import type { Storage } from "../storage/index.ts";
import { because, Refusal, type Clock, type Report } from "@holdfast/kernel";
import type { Guard } from "./guard.ts";
import { RateLimit } from "./rate.ts";

type Needs = {
  readonly authentication: Authentication;
  readonly sessions: Sessions;
  readonly storage: Storage;
  readonly leaks: Leaks;
  /** What application users renew their sessions with. */
  readonly refreshTokens: {
    /** Which session that is of. */
    owned(text: string): Promise<{ readonly about: string; tell(facts: Facts): Promise<void> } | undefined>;
  };
  readonly guard: Guard;
  readonly clock: Clock;
  readonly report: Report;
};

type Facts = { readonly where: "url" | "topic" | "filter"; readonly address: string };

/**
 * A credential stood in a URL or a topic, so proxies, histories and logs may know it now: it is flagged, and its owner is told in the
 * audit log. Never the text itself.
 */
export class Exposure {
  readonly #needs: Needs;
  /** Whoever has a credential could else fill its owner's audit log with it. */
  readonly #told: RateLimit;
  /** A message is cheaper to send than this is to find out about. */
  readonly #looked: RateLimit;

  constructor(needs: Needs) {
    this.#needs = needs;
    this.#told = new RateLimit({ perSecond: 1 / 60, burst: 3 }, needs.clock);
    this.#looked = new RateLimit({ perSecond: 1, burst: 10 }, needs.clock);
  }

  /** In a URL. Whoever asked waits for it. */
  inUrl(url: string, address: string): Promise<void> {
    return this.#found(url, { where: "url", address });
  }

  /** In what a connected client named. Nobody waits for it, and who does this again and again is looked at now and then. */
  readonly inTopic = (text: string, where: "topic" | "filter", by: { id: string; address: string }): void => {
    try {
      this.#looked.take(by.id);
    } catch (error) {
      if (error instanceof Refusal) return; // the one before was as bad
      throw error;
    }
    this.#found(text, { where, address: by.address }).catch((fault: unknown) =>
      this.#needs.report("the owner of a credential that stood in a topic could not be told", because(fault)),
    );
  };

  async #found(text: string, facts: Facts): Promise<void> {
    const { guard } = this.#needs;
    for (const candidate of candidatesIn(text)) {
      try {
        for (const owned of await guard.admit(facts.address, () => this.#owned(candidate, facts))) {
          this.#told.take(owned.about);
          await owned.tell();
        }
      } catch (error) {
        // What is no good credential has no owner to tell; and who was told three times knows.
        if (!(error instanceof Refusal)) throw error;
      }
    }
  }

  /** Which credential that is: of a refresh token the session, of a browser's session, one in each organisation of its person. */
  async #owned(text: string, facts: Facts): Promise<readonly { about: string; tell(): Promise<void> }[]> {
    const { authentication, sessions, storage, leaks, refreshTokens } = this.#needs;
    if (text.startsWith("hfr_")) {
      const owned = await refreshTokens.owned(text);
      if (!owned) throw new Refusal("credential.invalid");
      return [{ about: owned.about, tell: () => owned.tell(facts) }];
    }
    if (!text.startsWith("hfc_")) {
      const known = await authentication.shown(text);
      return [{ about: known.credential.id, tell: () => leaks.exposed(known, facts) }];
    }
    const { good } = await sessions.standings(await sessions.byCookie(text));
    return good.map(({ space, id }) => ({
      about: id,
      tell: () =>
        storage.change(asPlatform(space.scope), async (unit) =>
          unit.audit({ what: "credential.exposed", about: id, facts }),
        ),
    }));
  }
}

const most = 4;

/** Whole tokens, what cookies hold, and each key id with each secret: they may stand in two parameters. A secret alone does not say whose it is. */
function candidatesIn(written: string): readonly string[] {
  const text = decoded(written);
  const found = (pattern: RegExp) => [...new Set(text.match(pattern))].slice(0, most);
  const secrets = found(/hfs_[\w-]{49}/g);
  const keys = found(/key_[0-9a-f]{32}/g).flatMap((id) => secrets.map((secret) => `${id}.${secret}`));
  return [...found(/hf_[\w-]{20,}(?:\.[\w-]*)+/g), ...found(/hf[cr]_[\w-]{49}/g), ...keys].slice(0, most);
}

function decoded(written: string): string {
  let text = written;
  try {
    for (let round = 0; round < 3 && text.includes("%"); round += 1) text = decodeURIComponent(text);
  } catch {
    // Not well-formed percent-encoding: look at it as far as it went.
  }
  return text;
}

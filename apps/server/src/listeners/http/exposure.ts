import { Refusal, type Clock } from "@holdfast/kernel";
import { asPlatform, type Authentication } from "../../authority/index.ts";
import type { Storage } from "../../storage/index.ts";
import type { Guard } from "../guard.ts";
import { RateLimit } from "../rate.ts";

type Needs = { authentication: Authentication; storage: Storage; guard: Guard; clock: Clock };

/** A credential stood in a URL, so proxies and histories know it now: its owner is told in the audit log. Never the text itself. */
export class Exposure {
  readonly #needs: Needs;
  /** Whoever has a credential could else fill its owner's audit log with it. */
  readonly #told: RateLimit;

  constructor(needs: Needs) {
    this.#needs = needs;
    this.#told = new RateLimit({ perSecond: 1 / 60, burst: 3 }, needs.clock);
  }

  async found(url: string, address: string): Promise<void> {
    const { authentication, storage, guard } = this.#needs;
    for (const text of candidatesIn(url)) {
      try {
        const { credential, space } = await guard.admit(address, () => authentication.byText(text));
        this.#told.take(credential.id);
        await storage.change(asPlatform(space.scope), async (unit) => {
          unit.audit({ what: "credential.exposed", about: credential.id, facts: { where: "url", address } });
        });
      } catch (error) {
        // What is no good credential has no owner to tell; and who was told three times knows.
        if (!(error instanceof Refusal)) throw error;
      }
    }
  }
}

const most = 4;

/** Whole tokens, and each key id with each secret: they may stand in two parameters. A secret alone does not say whose it is. */
function candidatesIn(url: string): readonly string[] {
  const text = decoded(url);
  const tokens = text.match(/hf_[\w-]{20,}(?:\.[\w-]*)+/g) ?? [];
  const secrets = text.match(/hfs_[\w-]{49}/g) ?? [];
  const keys = (text.match(/key_[0-9a-f]{32}/g) ?? []).flatMap((id) => secrets.map((secret) => `${id}.${secret}`));
  return [...new Set([...tokens, ...keys])].slice(0, most);
}

function decoded(url: string): string {
  let text = url;
  try {
    for (let round = 0; round < 3 && text.includes("%"); round += 1) text = decodeURIComponent(text);
  } catch {
    // Not well-formed percent-encoding: look at it as far as it went.
  }
  return text;
}

import type { Authentication } from "../../authority/index.ts";
import { asPlatform } from "../../authority/index.ts";
import type { Storage } from "../../storage/index.ts";
import { Refusal } from "@holdfast/kernel";

/** A credential stood in a URL, so proxies and histories know it now: its owner is told in the audit log. Never the text itself. */
export class Exposure {
  readonly #needs: { authentication: Authentication; storage: Storage };

  constructor(needs: { authentication: Authentication; storage: Storage }) {
    this.#needs = needs;
  }

  async found(url: string, address: string): Promise<void> {
    for (const text of candidatesIn(url)) {
      try {
        const { credential, space } = await this.#needs.authentication.byText(text);
        await this.#needs.storage.change(asPlatform(space.scope), async (unit) => {
          unit.audit({ what: "credential.exposed", about: credential.id, facts: { where: "url", address } });
        });
      } catch (error) {
        // What is not a good credential has no owner to tell.
        if (!(error instanceof Refusal)) throw error;
      }
    }
  }
}

/** Whole tokens, and a key id with its secret. A secret alone does not say whose it is. */
function candidatesIn(url: string): readonly string[] {
  let text = url;
  try {
    text = decodeURIComponent(url);
  } catch {
    // Not well-formed percent-encoding: look at it as it is.
  }
  return text.match(/hf_[\w.-]{40,8192}|key_[0-9a-f]{32}\.hfs_[\w-]{49}/g)?.slice(0, 4) ?? [];
}

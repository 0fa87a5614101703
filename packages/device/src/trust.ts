import type { Emitter } from "./emitter.ts";
import type { Line } from "./outbox.ts";
import { roots as topic } from "./topics.ts";

type Needs = {
  readonly emitter: Emitter;
  /** PEM, as of now; nothing where the machine's roots are trusted, or a browser's. */
  trusted(): readonly string[] | undefined;
};

/** Tells the platform which roots this device trusts, so that it goes over to no other one unseen. */
export class Trust {
  readonly #needs: Needs;
  #said: string | undefined;

  constructor(needs: Needs) {
    this.#needs = needs;
  }

  /** Once for each set. It stands in no spool: what was not answered is said again on the next connection. */
  async say(line: Line): Promise<void> {
    try {
      const trusted = this.#needs.trusted();
      if (!trusted) return;
      const payload = JSON.stringify({ roots: await fingerprintsOf(trusted) });
      if (payload === this.#said) return;
      line.publish({ topic, payload }, (reason) => {
        if (reason < 0x80) this.#said = payload;
      });
    } catch (error) {
      this.#needs.emitter.emit("fault", error);
    }
  }
}

const block = /-----BEGIN CERTIFICATE-----([^-]+)-----END CERTIFICATE-----/g;

/** SHA-256 of each certificate, as OpenSSL shows it. A PEM may hold several. */
const fingerprintsOf = (pems: readonly string[]): Promise<string[]> =>
  Promise.all(
    pems
      .flatMap((pem) => [...pem.matchAll(block)])
      .map(async ([, base64 = ""]) => {
        const der = Uint8Array.from(atob(base64.replaceAll(/\s/g, "")), (character) => character.charCodeAt(0));
        const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", der));
        return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0").toUpperCase()).join(":");
      }),
  );

import { loadCommonPasswords, type Passwords } from "@holdfast/crypto";
import { nameOf } from "./about.ts";
import type { SetupOffer } from "./identity/index.ts";
import type { HttpListener, MqttListener } from "./listeners/index.ts";
import { webauthn } from "./passkeys/index.ts";
import type { Places } from "./places.ts";
import type { Keyring } from "./storage/index.ts";
import type { Asking } from "./telemetry/index.ts";
import { fingerprint, x509, type Certificates } from "./tls/index.ts";

type Parts = {
  readonly opened: AsyncDisposableStack;
  readonly closing: AbortController;
  readonly places: Places;
  readonly certificates: Certificates;
  readonly certificateEvents: { changed: () => void };
  readonly setup: SetupOffer;
  readonly passwords: Passwords;
  readonly asking: Asking;
  readonly https: HttpListener;
  readonly mqtt: MqttListener;
  readonly direct: { readonly ports: { readonly udp?: number | undefined; readonly tcp?: number | undefined } };
  readonly host: string;
  readonly publicNames: readonly string[];
};

/** A running platform, as whoever started it sees it. */
export class Platform {
  readonly #parts: Parts;
  #closing: Promise<void> | undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** By a name that is in the certificate. */
  get url(): string {
    return `https://${nameOf(this.#parts)}:${this.#parts.https.port}`;
  }

  get mqttsUrl(): string {
    return `mqtts://${nameOf(this.#parts)}:${this.#parts.mqtt.port}`;
  }

  /** Where direct sockets are, if they were asked for. */
  get sockets(): { readonly udp?: string; readonly tcp?: string } {
    const { udp, tcp } = this.#parts.direct.ports;
    const name = nameOf(this.#parts);
    return {
      ...(udp !== undefined && { udp: `udp://${name}:${udp}` }),
      ...(tcp !== undefined && { tcp: `tcp://${name}:${tcp}` }),
    };
  }

  /** Where a client certificate is the proof of a bound credential; `undefined` where no port is. */
  get clientCertificateUrl(): string | undefined {
    const { clientCertificate } = this.#parts.https.ports;
    return clientCertificate === undefined ? undefined : `https://${nameOf(this.#parts)}:${clientCertificate}`;
  }

  /** The certificates that clients have to trust, as one PEM text; `undefined` when what their system trusts is enough. */
  get caPem(): string | undefined {
    return this.#parts.certificates.caPem;
  }

  get fingerprint(): string {
    const pem = this.caPem;
    return pem === undefined ? this.#parts.certificates.status().certificate.sha256 : fingerprint(pem);
  }

  /** Whom the process can become once everything is open. */
  get runAs(): Places["runAs"] {
    return this.#parts.places.runAs;
  }

  /** When the keys were last backed up, and how many there are since: for the banner and the posture. */
  keysStatus(): ReturnType<Keyring["status"]> {
    return this.#parts.places.keyring.status();
  }

  /** Loads what is otherwise loaded when somebody first needs it, for a process that will not be able to read its own program later. */
  async loadWhole(): Promise<void> {
    const { passwords, asking } = this.#parts;
    loadCommonPasswords();
    await Promise.all([passwords.load(), asking.load(), webauthn(), x509()]);
  }

  /** Tells the set-up link, each newer one before the last ends, and `undefined` when there is none to be had any more. */
  watchSetup(tell: (link: string | undefined) => void): Promise<void> {
    return this.#parts.setup.watch((secret) => tell(secret && `${this.url}/#setup=${secret}`));
  }

  /** Calls back when another certificate came into service: clients may have to trust another `caPem`. */
  onCertificate(changed: () => void): void {
    this.#parts.certificateEvents.changed = changed;
  }

  /** Ends everything, the last opened first. A second call waits for the first. */
  close(): Promise<void> {
    this.#parts.closing.abort();
    this.#closing ??= this.#parts.opened.disposeAsync();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

import { createHash } from "node:crypto";
import { isIP } from "node:net";
import type { Server, TlsOptions } from "node:tls";
import { Refusal, type Clock, type Instant, type Random, type Timers } from "@holdfast/kernel";
import { BuiltIn } from "./built-in.ts";
import { describe, namesIn, type CertificateInfo } from "./certificate.ts";
import { OperatorFiles, type CertificateFiles } from "./files.ts";
import type { SecretPlace } from "./kept.ts";
import { day } from "./roots.ts";
import { settings } from "./settings.ts";
import type { Source, Staging, Step } from "./source.ts";

/** What happened to the certificate in service, for the log and the posture. Said once per change, never with a secret. */
export type CertificateEvent =
  | { readonly code: "tls.unusable"; readonly detail: string; readonly cause: unknown }
  | { readonly code: "tls.swapped"; readonly certificate: CertificateInfo };

export type CertificateStatus = {
  readonly source: "builtIn" | "files";
  readonly certificate: CertificateInfo;
  /** Set while a newer certificate cannot be used or made, or the one in service is no longer valid. */
  readonly unusable: { readonly code: "tls.unusable"; readonly detail: string; readonly since: Instant } | undefined;
};

export type CertificateNeeds = {
  readonly secrets: SecretPlace;
  readonly clock: Clock;
  readonly random: Random;
  readonly timers: Timers;
  /** What the built-in certificate is valid for: see `expectedNames`. */
  readonly names: readonly string[];
  /** The operator's own certificate, instead of a built-in one. */
  readonly files?: CertificateFiles;
  report(event: CertificateEvent): void;
};

/** How often the clock and the operator's files are looked at, in milliseconds. */
const round = 30_000;

/** After a change in a folder: certificate and key are rarely written in the same instant. */
const settling = 250;

/**
 * The certificate that every listener shows, renewed and swapped while connections stay open, and the keys of session
 * tickets, which all listeners share, survive a swap, and are replaced each day.
 */
export class Certificates {
  readonly #needs: CertificateNeeds;
  readonly #source: Source;
  readonly #servers = new Map<Server, TlsOptions>();
  readonly #watch: { close(): void };
  #ticketKeys: { readonly bytes: Buffer; readonly since: Instant };
  #unusable: CertificateStatus["unusable"];
  #timer: { cancel(): void };
  #soon: { cancel(): void } | undefined;
  #turn: Promise<boolean> = Promise.resolve(false);
  /** A turn that has not begun: whoever asks meanwhile has it in common. */
  #nextTurn: Promise<boolean> | undefined;
  #closed = false;

  /**
   * Makes or reads what there is to show. Refuses `tls.unusable` when the operator's files cannot be used, or when what
   * the keyring keeps cannot be read.
   */
  static async open(needs: CertificateNeeds): Promise<Certificates> {
    const now = needs.clock.now();
    return new Certificates(
      needs,
      await (needs.files ? OperatorFiles.open(needs.files, now) : BuiltIn.open(needs, now)),
    );
  }

  private constructor(needs: CertificateNeeds, source: Source) {
    this.#needs = needs;
    this.#source = source;
    this.#ticketKeys = this.#newTicketKeys();
    this.#timer = needs.timers.after(round, this.#tick);
    this.#watch = source.watch(() => {
      this.#soon ??= needs.timers.after(settling, () => {
        this.#soon = undefined;
        void this.renewIfDue();
      });
    });
  }

  /**
   * What to make a TLS, HTTPS or HTTP/2 server with; add your own (`requestCert`, `allowHTTP1`) by spreading, and hand
   * the result to `attach` too. A client that offers ALPN without any of `alpn` is refused; one that offers none is not.
   */
  serverOptions(alpn: readonly string[]): TlsOptions {
    return {
      ...settings,
      ...this.#context(),
      ALPNProtocols: [...alpn],
      // A ticket is good only where the same protocols are spoken.
      sessionIdContext: createHash("sha256").update(alpn.join(",")).digest("hex").slice(0, 32),
    };
  }

  /** Keeps `server` up to date until it closes. `options` are those it was made with. */
  attach(server: Server, options: TlsOptions): void {
    this.#servers.set(server, options);
    server.once("close", () => this.#servers.delete(server));
    // Node reports a failed or late handshake here and leaves the connection open; port scanners are nothing to log.
    server.on("tlsClientError", (_error, socket) => socket.destroy());
    this.#swap(server, options);
  }

  /** The authorities that clients must trust, current, coming and spare, or `undefined` when what their system trusts is enough. */
  get caPem(): string | undefined {
    return (
      this.list()
        .map((authority) => authority.pem)
        .join("") || undefined
    );
  }

  /** Every certificate to trust, current, coming and spare: what a device embeds. */
  list(): readonly CertificateInfo[] {
    return this.#source.authorities;
  }

  /** How the platform's own roots are staged. @throws Refusal `roots.notOurs` where the certificate is from files */
  get staging(): Omit<Staging, "switchTo"> {
    return this.#ours();
  }

  /**
   * From now on another root is the current one, and signs what clients are shown; what is open stays open. Whoever comes back shows no ticket
   * of before, so that each is asked whether it trusts the new one.
   * @param sha256 of the root that is meant: another switch may have come before, and then the step leads to one that nobody has learned yet
   * @throws Refusal `roots.notOurs`, `roots.spareAway`, `request.conflict`
   */
  switchTo(step: Step, sha256: string): Promise<void> {
    const staging = this.#ours();
    const switched = this.#turn.then(async () => {
      if (!this.list().some((root) => root.state === step && root.sha256 === sha256))
        throw new Refusal("request.conflict");
      await staging.switchTo(step, this.#needs.clock.now());
      this.#ticketKeys = this.#newTicketKeys();
      this.#swapAll();
    });
    this.#turn = switched.then(
      () => true,
      () => false, // whoever asked for it is told
    );
    return switched;
  }

  /** Whether the certificate in service is good for a host that a client named. */
  isFor(host: string): boolean {
    const { leaf } = this.#source.identity;
    const plain = host.replace(/^\[(.*)\]$/, "$1");
    return isIP(plain) === 0 ? leaf.checkHost(plain) !== undefined : leaf.checkIP(plain) !== undefined;
  }

  /** Host names and addresses that the certificate in service is valid for, wildcards left out. */
  get names(): readonly string[] {
    return namesIn(this.#source.identity.leaf);
  }

  status(): CertificateStatus {
    const certificate = describe(this.#source.identity.leaf, { purpose: "server", state: "current" });
    return { source: this.#source.kind, certificate, unusable: this.#unusable };
  }

  /** Looks at the clock and the files now, and says whether another certificate is in service. Never rejects: it reports. */
  renewIfDue(): Promise<boolean> {
    this.#nextTurn ??= this.#turn = this.#turn.then(() => {
      this.#nextTurn = undefined;
      return this.#renew();
    });
    return this.#nextTurn;
  }

  /** No more renewals. The servers stay as they are. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#timer.cancel();
    this.#soon?.cancel();
    this.#watch.close();
    await this.#turn;
    this.#servers.clear();
  }

  readonly #tick = (): void => {
    this.#timer = this.#needs.timers.after(round, this.#tick);
    void this.renewIfDue();
  };

  async #renew(): Promise<boolean> {
    if (this.#closed) return false;
    const now = this.#needs.clock.now();
    if (Math.abs(now - this.#ticketKeys.since) >= day) this.#rotateTicketKeys();
    try {
      const changed = await this.#source.renew(now);
      this.#unusable = undefined;
      if (changed) this.#swapAll();
      return changed;
    } catch (cause) {
      this.#keepOld(cause, now);
      return false;
    }
  }

  #ours(): Staging {
    const { staging } = this.#source;
    if (!staging) throw new Refusal("roots.notOurs");
    return staging;
  }

  #swapAll(): void {
    for (const [server, options] of this.#servers) this.#swap(server, options);
    this.#needs.report({ code: "tls.swapped", certificate: this.status().certificate });
  }

  #keepOld(cause: unknown, now: Instant): void {
    const detail =
      cause instanceof Refusal
        ? (cause.detail ?? cause.message)
        : "A new certificate could not be made. It is tried again.";
    if (this.#unusable?.detail === detail) return;
    this.#unusable = { code: "tls.unusable", detail, since: now };
    this.#needs.report({ code: "tls.unusable", detail, cause });
  }

  #context(): TlsOptions {
    const { cert, key } = this.#source.identity;
    return { cert, key, ticketKeys: this.#ticketKeys.bytes };
  }

  /** Connections that are open keep the context that they began with. */
  #swap(server: Server, options: TlsOptions): void {
    server.setSecureContext({ ...options, ...this.#context() });
  }

  #newTicketKeys() {
    return { bytes: Buffer.from(this.#needs.random.bytes(48)), since: this.#needs.clock.now() };
  }

  #rotateTicketKeys(): void {
    this.#ticketKeys = this.#newTicketKeys();
    for (const server of this.#servers.keys()) server.setTicketKeys(this.#ticketKeys.bytes);
  }
}

import { createPrivateKey, X509Certificate, type KeyObject } from "node:crypto";
import { newKeyAndRequest, systemClock, type Clock } from "@holdfast/kernel";
import { DeviceError, type Identity, type Place, type Roots, type Shown } from "../index.ts";
import { ask } from "./ask.ts";
import { certificatesIn } from "./certs-only.ts";
import { fileAt } from "./place.ts";

export type Enrolment = ByKey | ByBirth;

type Anyway = {
  /** Where the key pair and the certificate are kept. */
  readonly file: string;
  /** PEM of the roots that are trusted, in place of the machine's. */
  readonly ca?: string | readonly string[] | Roots;
};

type ByKey = Anyway & {
  /** The platform, `https://HOST:PORT`. */
  readonly url: string;
  /** An enrolment key, which many devices may share. */
  readonly key: { readonly id: string; readonly secret: string };
  /** Into which application or product, where the key leaves that open. */
  readonly label?: string;
  /** Where the platform takes certificates over HTTPS; without it the next certificate is asked for with the enrolment key. */
  readonly renewalUrl?: string;
};

type ByBirth = Anyway & {
  /** Where the platform takes certificates over HTTPS, `https://HOST:PORT` with the port of `--client-certificate-port`. */
  readonly url: string;
  /** PEM of what its manufacturer put into it (IEEE 802.1AR), shown to enrol and for nothing else. */
  readonly birth: { readonly cert: string; readonly key: string };
  /** The id of the product or the organisation whose the device is to be. */
  readonly label: string;
};

type Kept = { readonly key: string; readonly csr: string; readonly cert?: string };

/** A pair that is made when it is first opened, and never leaves the file. */
export async function openIdentity(enrolment: Enrolment, clock: Clock = systemClock): Promise<EnrolledIdentity> {
  const place = fileAt(enrolment.file);
  const text = place.read();
  if (text !== undefined) return new EnrolledIdentity(enrolment, place, JSON.parse(text) as Kept, clock); // we wrote it, whole
  const made = await newKeyAndRequest();
  // Before anybody is asked: whoever comes again with the same pair is the same device, and counts no more.
  place.write(JSON.stringify(made));
  return new EnrolledIdentity(enrolment, place, made, clock);
}

export class EnrolledIdentity implements Identity {
  readonly #enrolment: Enrolment;
  readonly #place: Place;
  readonly #clock: Clock;
  readonly #key: KeyObject;
  #kept: Kept;
  #asking: Promise<void> | undefined;
  #isDoubted = false;

  constructor(enrolment: Enrolment, place: Place, kept: Kept, clock: Clock) {
    this.#enrolment = enrolment;
    this.#place = place;
    this.#clock = clock;
    this.#kept = kept;
    this.#key = createPrivateKey(kept.key);
  }

  /** For the spool: nobody else has it, and it stays when the certificate is renewed. */
  get secret(): string {
    return this.#kept.key;
  }

  async present(): Promise<Shown> {
    const { cert } = this.#kept;
    if (cert === undefined || this.#isOver(cert)) await this.#once(() => this.#enrol());
    else if (this.#isDoubted) await this.#enrolAnew();
    const { key, cert: shown = "" } = this.#kept;
    const [, name = ""] = /^CN=(.+)$/m.exec(new X509Certificate(shown).subject) ?? [];
    return { key, cert: shown, name };
  }

  refused(): void {
    this.#isDoubted = true;
  }

  async renewIfDue(): Promise<boolean> {
    const { cert } = this.#kept;
    if (cert === undefined || this.#clock.now() < dueAt(cert)) return false;
    const url = renewalUrlOf(this.#enrolment);
    await this.#once(() => (url === undefined ? this.#enrol() : this.#renew(url, cert)));
    return true;
  }

  #once(work: () => Promise<void>): Promise<void> {
    return (this.#asking ??= work().finally(() => (this.#asking = undefined)));
  }

  #isOver(cert: string): boolean {
    return this.#clock.now() >= new X509Certificate(cert).validToDate.getTime();
  }

  /** Where that is refused, too, it goes on with what it has: whoever listens is told why that is not let in. */
  async #enrolAnew(): Promise<void> {
    this.#isDoubted = false;
    try {
      await this.#once(() => this.#enrol());
    } catch (error) {
      if (!(error instanceof DeviceError) || !error.code.startsWith("enrolment.")) throw error;
    }
  }

  #enrol(): Promise<void> {
    const { url, label } = this.#enrolment;
    const where = label === undefined ? "" : `/${encodeURIComponent(label)}`;
    return this.#request(`${url}/.well-known/est${where}/simpleenroll`, showing(this.#enrolment));
  }

  #renew(url: string, cert: string): Promise<void> {
    return this.#request(`${url}/.well-known/est/simplereenroll`, { cert, key: this.#kept.key });
  }

  async #request(url: string, { headers, ...shown }: Showing): Promise<void> {
    const { ca } = this.#enrolment;
    const trusted = ca === undefined || typeof ca === "string" ? ca : [...("current" in ca ? ca.all : ca)];
    const { status, text } = await ask(
      url,
      {
        method: "POST",
        headers: { "content-type": "application/pkcs10", ...headers },
        ...(trusted !== undefined && { ca: trusted }),
        ...shown,
      },
      this.#kept.csr.replaceAll(/-----[A-Z ]+-----\n/g, ""),
    );
    if (status !== 200) throw refusalOf(status, text);
    const certificates = certificatesIn(text);
    const own = certificates.find((one) => one.checkPrivateKey(this.#key));
    if (!own) throw new DeviceError("enrolment.refused", { detail: "It answered a certificate of another key." });
    const chain = [own, ...certificates.filter((one) => one !== own)];
    const kept = { ...this.#kept, cert: chain.map(String).join("") };
    this.#place.write(JSON.stringify(kept));
    this.#kept = kept;
  }
}

type Showing = { readonly headers?: Record<string, string>; readonly cert?: string; readonly key?: string };

/** What says that the device may enrol. */
function showing(enrolment: Enrolment): Showing {
  if ("birth" in enrolment) return enrolment.birth;
  const { id, secret } = enrolment.key;
  return { headers: { authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString("base64")}` } };
}

const renewalUrlOf = (enrolment: Enrolment): string | undefined =>
  "birth" in enrolment ? enrolment.url : enrolment.renewalUrl;

/** Two thirds of the way: a third is left for a device that is away for long, and for a platform that is. */
function dueAt(cert: string): number {
  const { validFromDate, validToDate } = new X509Certificate(cert);
  const [from, to] = [validFromDate.getTime(), validToDate.getTime()];
  return from + ((to - from) * 2) / 3;
}

/** Too many at once, and a platform that is not well, are no answer to the question. */
function refusalOf(status: number, text: string): Error {
  const [, code = ""] = /"code":"([\w.]+)"/.exec(text) ?? [];
  const isLater = status === 429 || status >= 500;
  return new DeviceError(isLater ? "enrolment.later" : "enrolment.refused", { detail: `${status} ${code}`.trim() });
}

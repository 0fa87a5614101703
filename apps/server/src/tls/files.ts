import { createPrivateKey, X509Certificate, type KeyObject } from "node:crypto";
import { watch, type FSWatcher } from "node:fs";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { createSecureContext } from "node:tls";
import { Refusal, rfc3339, type Instant } from "@holdfast/kernel";
import { describe, pemOf, validityOf, type CertificateInfo } from "./certificate.ts";
import { settings } from "./settings.ts";
import type { Identity, Source } from "./source.ts";

/** Paths of PEM files. `cert` may hold the whole chain; `chain` holds what `cert` leaves out. */
export type CertificateFiles = { readonly cert: string; readonly key: string; readonly chain?: string };

/** The operator's own certificate, read from files that somebody else renews. */
export class OperatorFiles implements Source {
  readonly kind = "files";
  /** Whoever signs the files stages roots as he likes. */
  readonly staging = undefined;
  readonly #files: CertificateFiles;
  #identity: Identity;
  #authorities: readonly CertificateInfo[];

  private constructor(files: CertificateFiles, chain: Chain) {
    this.#files = files;
    this.#identity = chain.identity;
    this.#authorities = chain.authorities;
  }

  /** Refuses `tls.unusable`: at the start there is nothing to keep in service, and somebody is watching. */
  static async open(files: CertificateFiles, now: Instant): Promise<OperatorFiles> {
    return new OperatorFiles(files, await read(files, now));
  }

  get identity(): Identity {
    return this.#identity;
  }

  get authorities(): readonly CertificateInfo[] {
    return this.#authorities;
  }

  async renew(now: Instant): Promise<boolean> {
    const { identity, authorities } = await read(this.#files, now);
    if (identity.cert === this.#identity.cert && identity.key === this.#identity.key) return false;
    this.#identity = identity;
    this.#authorities = authorities;
    return true;
  }

  /**
   * Folders, not files: whoever renews a certificate replaces the file, and a watch on the old one would see nothing.
   * Only quicker than the regular look at the files, so a system that has no watch left to give is no error.
   */
  watch(changed: () => void): { close(): void } {
    const folders = new Set(Object.values(this.#files).map((file) => path.dirname(file)));
    const watchers = [...folders].flatMap((folder) => watchFolder(folder, changed) ?? []);
    return { close: () => watchers.forEach((watcher) => watcher.close()) };
  }
}

function watchFolder(folder: string, changed: () => void): FSWatcher | undefined {
  try {
    const watcher = watch(folder, { persistent: false }, changed);
    return watcher.on("error", () => watcher.close());
  } catch {
    return undefined; // see above: it may run out of watches or of open files
  }
}

type Chain = { identity: Identity; authorities: readonly CertificateInfo[] };

async function read(files: CertificateFiles, now: Instant): Promise<Chain> {
  const text = (await textOf(files.cert)) + (files.chain === undefined ? "" : "\n" + (await textOf(files.chain)));
  const chain = certificatesIn(text, files.cert);
  const keyText = await textOf(files.key);
  const key = keyIn(keyText, files.key);
  const [leaf] = chain;
  if (!leaf) throw unusable(`${files.cert} holds no certificate.`);
  checkDates(chain, files.cert, now);
  if (!leaf.checkPrivateKey(key))
    throw unusable(`The key in ${files.key} is not that of the first certificate in ${files.cert}.`);
  checkOrder(chain, files.cert);
  const identity = { cert: chain.map(pemOf).join(""), key: keyText, leaf };
  try {
    createSecureContext({ ...settings, cert: identity.cert, key: identity.key });
  } catch (cause) {
    throw unusable(`OpenSSL does not accept ${files.cert} with ${files.key} (${codeOf(cause)}).`);
  }
  return { identity, authorities: authoritiesIn(chain) };
}

const unusable = (detail: string) => new Refusal("tls.unusable", { detail });

async function textOf(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (cause) {
    throw unusable(`${file} cannot be read (${codeOf(cause)}).`);
  }
}

function certificatesIn(text: string, file: string): X509Certificate[] {
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  try {
    return blocks.map((block) => new X509Certificate(block));
  } catch (cause) {
    throw unusable(`A certificate in ${file} cannot be parsed (${codeOf(cause)}).`);
  }
}

function keyIn(text: string, file: string): KeyObject {
  // RFC 7468 section 11, and the older form of RFC 1421.
  if (/^(-----BEGIN ENCRYPTED|Proc-Type: 4,ENCRYPTED)/m.test(text)) {
    throw unusable(`The key in ${file} has a passphrase. Give one without.`);
  }
  try {
    return createPrivateKey(text);
  } catch (cause) {
    throw unusable(`${file} holds no private key in PEM (${codeOf(cause)}).`);
  }
}

function checkDates(chain: readonly X509Certificate[], file: string, now: Instant): void {
  for (const certificate of chain) {
    const { notBefore, notAfter } = validityOf(certificate);
    const name = describe(certificate, { purpose: "server", state: "current" }).name;
    if (now > notAfter) throw unusable(`${name} in ${file} expired at ${rfc3339(notAfter)}.`);
    if (now < notBefore) throw unusable(`${name} in ${file} is not valid before ${rfc3339(notBefore)}.`);
  }
}

/** TLS 1.2 wants each certificate to certify the one before it (RFC 5246 section 7.4.2), and small clients rely on it. */
function checkOrder(chain: readonly X509Certificate[], file: string): void {
  for (const [index, issuer] of chain.entries()) {
    const subject = chain[index - 1];
    if (subject && !(subject.checkIssued(issuer) && subject.verify(issuer.publicKey))) {
      throw unusable(
        `Certificate ${index + 1} of ${file} did not sign the one before it. Put the server's first, its issuer next.`,
      );
    }
  }
}

/** The top of the chain if it is a root. An intermediate is nothing to embed: its issuer replaces it without asking. */
function authoritiesIn(chain: readonly X509Certificate[]): CertificateInfo[] {
  const top = chain.at(-1);
  return top?.checkIssued(top) ? [describe(top, { purpose: "authority", state: "current" })] : [];
}

/** Error codes only: what OpenSSL quotes in a message is none of a log's business. */
const codeOf = (cause: unknown): string =>
  cause instanceof Error && "code" in cause && typeof cause.code === "string" ? cause.code : "unknown error";

import {
  digestSecret,
  isCertificateOf,
  isSecret,
  openToken,
  parseToken,
  pinOf,
  proves,
  publicKeyIn,
  type ProofOf,
  type PublicKey,
} from "@holdfast/crypto";
import {
  idFrom,
  isBroughtSecret,
  isId,
  isRefusal,
  Refusal,
  uuidOf,
  type Clock,
  type CredentialId,
  type Id,
  type Random,
  type RefusalCode,
} from "@holdfast/kernel";
import { presets } from "@holdfast/protocol";
import type { Storage } from "../storage/index.ts";
import { broughtDigest } from "./brought-secrets.ts";
import { Caller, type OnRefusal } from "./caller.ts";
import { nobody, type Came, type Circumstances } from "./circumstances.ts";
import type { Credential } from "./credential.ts";
import { providerRequired } from "./by-provider.ts";
import { Dpop, type DpopRequest } from "./dpop.ts";
import { authorityIn } from "./postgres.ts";
import type { Space } from "./space.ts";
import { Unwelcome } from "./unwelcome.ts";
import { detailOf, wrongly } from "./wrongly.ts";
import { claimIn, digestOf, faultOf, type Claim } from "./issuer.ts";
import type { Manufactured } from "./manufacturer.ts";
import { digestShown } from "./secrets.ts";
import { asPlatform, type Spaces } from "./spaces.ts";
import { usesIn } from "./use-rows.ts";
import { claimsOf, type TokenKeys } from "./token-keys.ts";

type Needs = {
  storage: Storage;
  spaces: Spaces;
  tokenKeys: TokenKeys;
  clock: Clock;
  random: Random;
  onRefusal: OnRefusal;
};

/** Somebody has shown a credential, with its secret; `shown` is the digest of that. */
export type Known = {
  readonly space: Space;
  readonly credential: Credential;
  readonly shown?: Uint8Array | undefined;
  /** By a birth certificate, of which device. */
  readonly manufactured?: Manufactured;
};

/** Which credential is this, and is it good now? Every listener asks here, and of the cookie of a person's session in `Sessions`. */
export class Authentication {
  readonly #needs: Needs;
  readonly #dpop: Dpop;

  constructor(needs: Needs) {
    this.#needs = needs;
    this.#dpop = new Dpop(needs);
  }

  /**
   * `hf_…`, or `key_….hfs_…`: what stands in a header.
   * @throws Refusal `credential.invalid`; to whoever proves to hold it also `credential.expired`, and `proof.required` where that is
   * not enough
   */
  async byText(text: string, came: Came): Promise<Caller> {
    return this.admit(await this.shown(text), came);
  }

  /** What the next proof over HTTP has to hold. */
  get nonce(): string {
    return this.#dpop.nonce;
  }

  /** Which credential that is, and whether it is bound to a key that has to be proved yet. @throws Refusal `credential.invalid` */
  async shown(text: string): Promise<Known> {
    if (text.startsWith("hf_")) return this.#byToken(text);
    const dot = text.indexOf(".");
    return this.shownKey(dot < 0 ? text : text.slice(0, dot), dot < 0 ? "" : text.slice(dot + 1));
  }

  async shownKey(id: string, secret: string): Promise<Known> {
    if (!isId("key", id)) throw new Refusal("credential.invalid");
    const [row] = await this.#needs.storage.directory.call<{ org: string }>("org_of_credential", [uuidOf(id)]);
    const space = row && (await this.spaceOf(idFrom("org", row.org)));
    const credential = space && (await this.credential(space, id));
    if (!credential) throw new Refusal("credential.invalid");
    const isOurs = isSecret(secret, presets[credential.kind].isPublic ? "publishable" : "key");
    if (!isOurs && !(credential.kind === "device" && isBroughtSecret(secret)))
      throw this.wrong(space, id, credential, secret === "" ? "no secret" : "a secret that is none");
    // By its form: none that a device brought is written as ours are.
    const shown = digestShown(credential, isOurs ? digestSecret(secret) : broughtDigest(space.scope, secret));
    if (!shown) throw this.wrong(space, id, credential, "a wrong secret");
    return { space, credential, shown };
  }

  /**
   * A device that comes with its certificate and without a secret. One that was issued here says by its number whose it is. Whoever pins
   * a key need not hold it, so one that is pinned twice says of neither device that it is meant: then the credential has to be named.
   * @throws Refusal `credential.invalid`
   */
  async shownCertificate(certificate: Uint8Array, named?: Id<"key">): Promise<Known> {
    const claim = claimIn(certificate);
    const [row, ...others] = await this.#certified(certificate, claim, named);
    const id = named ?? (row?.id && idFrom("key", row.id));
    const space = row && others.length === 0 && (await this.spaceOf(idFrom("org", row.org)));
    const credential = space && id && (await this.credential(space, id));
    if (!credential || credential.kind !== "certificate") throw new Refusal("credential.invalid");
    if (!credential.issued) return { space, credential };
    // Named, and shown another one of the same key: only its own certificate speaks for it.
    if (!claim?.key) throw this.wrong(space, id, credential, "a certificate that was not issued here");
    const fault = faultOf(claim, space.issuer(claim.by), this.#needs.clock.now());
    if (fault) throw this.wrong(space, id, credential, fault);
    return { space, credential, shown: digestOf(claim, claim.key) };
  }

  async #certified(certificate: Uint8Array, claim: Claim | undefined, named: Id<"key"> | undefined) {
    const { directory } = this.#needs.storage;
    type Row = { org: string; id?: string };
    if (named !== undefined) return directory.call<Row>("org_of_credential", [uuidOf(named)]);
    if (claim) {
      const present = claim.key ? await directory.call<Row>("credentials_of_digest", [digestOf(claim, claim.key)]) : [];
      if (present.length > 0) return present;
      // The one before it, or one that was forged.
      const serial = /^[0-9a-f]{32}$/.test(claim.serial) ? Uint8Array.fromHex(claim.serial) : undefined;
      return serial ? directory.call<Row>("credential_of_certificate", [uuidOf(claim.by), serial]) : [];
    }
    const key = publicKeyIn(certificate);
    return key ? directory.call<Row>("credentials_of_digest", [pinOf(key)]) : [];
  }

  async #byToken(text: string): Promise<Known> {
    const parsed = parseToken(text);
    const org = parsed && this.#needs.tokenKeys.orgOf(parsed.kid);
    const space = org && (await this.spaceOf(org));
    if (!parsed || !space) throw new Refusal("credential.invalid");
    const claims = openToken(this.#needs.tokenKeys.keyFor(space.scope, parsed.kid), parsed);
    if (!claims || claims.org !== org) throw new Refusal("credential.invalid");
    const credential = await this.credential(space, claims.jti);
    // The row alone makes no token, and the organisation's key alone makes none: both must say the same.
    const shown = credential && digestShown(credential, digestSecret(claims.nonce));
    const same =
      (credential?.kind === "apiToken" || credential?.kind === "applicationUser") &&
      shown !== undefined &&
      JSON.stringify(claims) === JSON.stringify(claimsOf(credential, org, claims.nonce));
    // It opened under the organisation's own key, so this is worth more than a line in a counter.
    if (!same) throw this.wrong(space, claims.jti, credential, "a token that its row does not know");
    return { space, credential, shown };
  }

  /** A credential and all that made it, read once and kept while the space is. */
  async credential(space: Space, id: CredentialId): Promise<Credential | undefined> {
    const found = await this.#credential(space, id);
    const { person } = found ?? {};
    // Somebody joined since all were looked at.
    if (person && space.member(person)) await this.#needs.spaces.knowHome(space, person);
    return found;
  }

  async #credential(space: Space, id: CredentialId): Promise<Credential | undefined> {
    const there = space.credentials.get(id);
    if (there) return there;
    const found = await this.#needs.storage.read(asPlatform(space.scope), async (unit) => {
      const rows = authorityIn(unit);
      const credential = await rows.credential(id);
      return credential ? [credential, ...(await rows.ancestorsOf([credential]))] : [];
    });
    // What was committed meanwhile is newer than what was read.
    for (const link of found) if (!space.credentials.has(link.id)) space.credentials.set(link.id, link);
    return space.credentials.get(id);
  }

  /** The same for many at once, so that `known` can answer for them. One whose row was altered is not known. */
  async know(space: Space, ids: ReadonlySet<CredentialId>): Promise<void> {
    const missing = [...ids].filter((id) => !space.credentials.has(id));
    if (missing.length === 0) return;
    const isBroken = (error: unknown) => isRefusal(error, "seal.broken");
    try {
      const found = await this.#needs.storage.read(asPlatform(space.scope), async (unit) => {
        const rows = authorityIn(unit);
        const credentials = await rows.credentialsOf(missing);
        return [...credentials, ...(await rows.ancestorsOf(credentials))];
      });
      for (const link of found) if (!space.credentials.has(link.id)) space.credentials.set(link.id, link);
    } catch (error) {
      if (!isBroken(error)) throw error;
      for (const id of missing) {
        await this.credential(space, id).catch((one: unknown) => {
          if (!isBroken(one)) throw one;
        });
      }
    }
  }

  /** Whoever showed this credential once, if it is still good: a session that was kept goes on without showing it again. */
  known(space: Space, id: string | undefined): Caller | undefined {
    const credential = space.credentials.get(id as CredentialId); // only a map is asked
    if (!credential) return undefined;
    const { clock, onRefusal } = this.#needs;
    const caller = new Caller({ credential, space, circumstances: nobody, clock, onRefusal });
    return caller.ended() === undefined ? caller : undefined;
  }

  /** `undefined` where there is no such organisation. */
  async spaceOf(org: Id<"org">): Promise<Space | undefined> {
    try {
      return await this.#needs.spaces.of(org);
    } catch (error) {
      if (isRefusal(error, "org.unknown")) return undefined; // its key was erased
      throw error;
    }
  }

  /**
   * Whoever has shown a credential, and perhaps a certificate for whose key the TLS handshake vouches.
   * @throws Refusal `proof.required`, or when it is not good now
   */
  admit(known: Known, came: Came): Caller {
    const { certificate } = came;
    const { space, credential } = known;
    const { id, kind, publicKey } = credential;
    const proof = kind === "session" ? "session" : publicKey || known.manufactured ? "key" : "secret";
    const caller = this.#good(known, came, proof);
    if (publicKey && !certificate) throw this.wrong(space, id, credential, "no proof");
    // Of one that was issued, the key is in what was shown: the one before it had another.
    if (publicKey && certificate && !credential.issued && !isCertificateOf(publicKey, certificate))
      throw this.wrong(space, id, credential, "the certificate of another key");
    caller.noteArrival();
    return caller;
  }

  /**
   * Whoever has shown a credential and signed for it, on this connection.
   * @throws Refusal `proof.invalid`, or when it is not good now
   */
  prove(known: Known, came: Came, proof: Pick<ProofOf, "nonce" | "exporter">, signature: Uint8Array): Caller {
    const caller = this.#good(known, came, "key");
    const { space, credential } = known;
    const { id, publicKey } = credential;
    if (!publicKey) throw unbound();
    if (!proves(publicKey, { id, ...proof }, signature)) throw this.wrong(space, id, credential, "a wrong proof");
    caller.noteArrival();
    return caller;
  }

  /**
   * Whoever has shown a credential in a request, with a proof of its key for this request.
   * @throws Refusal `proof.invalid`, `proof.nonce`, or when it is not good now
   */
  async byProof(text: string, came: Came, request: DpopRequest): Promise<Caller> {
    const known = await this.shown(text);
    const caller = this.#good(known, came, "key");
    const { space, credential } = known;
    const { id, publicKey } = credential;
    if (!publicKey) throw unbound();
    const wrong = this.#dpop.wrongIn(id, publicKey, text, request);
    if (wrong) throw this.wrong(space, id, credential, wrong);
    caller.noteArrival();
    return caller;
  }

  /**
   * Whoever asks for a credential that is to be bound to a key, with the first proof of it.
   * @throws Refusal `proof.invalid`, `proof.nonce`
   */
  keyOf(request: DpopRequest): PublicKey {
    const key = this.#dpop.first(request);
    if (typeof key === "string") throw new Refusal(wrongly[key].code, detailOf(key));
    return key;
  }

  #good(
    { space, credential, shown, manufactured }: Known,
    { address, transport, tls, group, origin, socket }: Came,
    proof: Circumstances["proof"],
  ): Caller {
    const where = { address, transport, tls, group, origin, ...(socket && { socket }) };
    const circumstances = { ...where, proof, shown, manufactured };
    const { clock, onRefusal } = this.#needs;
    const caller = new Caller({ credential, space, circumstances, clock, onRefusal });
    const because = caller.ended();
    caller.noteLists();
    if (because === undefined) return caller;
    caller.noteRefused("connect");
    throw caller.refuse(
      "connect",
      credential.id,
      because,
      new Unwelcome(codeOf(caller), { space, credential, because, ...whereTo(caller) }),
    );
  }

  /** Somebody knows of a credential and does not hold it: written down in its organisation, as nobody's doing. */
  wrong(space: Space, id: CredentialId, credential: Credential | undefined, because: keyof typeof wrongly): Refusal {
    this.#needs.onRefusal({ space, actor: { kind: "platform" } }, "connect", id, because);
    const { code, toWatchers } = wrongly[because];
    const at = { space, because, toWatchers, ...detailOf(because) };
    return credential ? new Unwelcome(code, { credential, ...at }) : new Refusal(code);
  }

  /**
   * Writes down how each credential was used; called now and then, because a write for every request would cost more than it tells.
   * @throws Refusal `storage.unavailable` and its like: what could not be written waits
   */
  async rememberUse(): Promise<void> {
    let failed: Refusal | undefined;
    for (const { scope, uses } of this.#needs.spaces.all()) {
      const used = uses.take();
      if (used.size === 0) continue;
      try {
        await this.#needs.storage.note(asPlatform(scope), async (unit) => {
          const times = [...used].flatMap(([id, { at }]) => (at === undefined ? [] : [[id, at] as const]));
          if (times.length > 0) await authorityIn(unit).used(new Map(times));
          await usesIn(unit).add(used);
        });
        uses.written(used);
      } catch (error) {
        const isGone = isRefusal(error, "org.unknown"); // it is being erased: there is nobody to tell
        uses[isGone ? "written" : "putBack"](used);
        if (!(error instanceof Refusal)) throw error;
        if (!isGone) failed ??= error;
      }
    }
    if (failed) throw failed;
  }
}

const unbound = (): Refusal =>
  new Refusal("proof.invalid", { detail: "This credential is bound to no key: show it alone." });

/** Whoever has to come another way is told which. */
const whereTo = ({ power, space }: Caller): { readonly detail?: string } => {
  const { detail } = power.end?.code === "provider.required" ? providerRequired(space.org) : {};
  return detail === undefined ? {} : { detail };
};

/**
 * Whoever holds the secret may know what will pass: firmware that is told "suspended" waits, and that is told "not known" gives its
 * credential up. All else is the same as a wrong secret.
 */
function codeOf({ credential, space, power, hasExpired }: Caller): RefusalCode {
  if (power.end?.code) return power.end.code;
  if (hasExpired) return power.closing?.code ?? "credential.expired";
  const isSuspended = credential.device && space.device(credential.device)?.state === "suspended";
  return isSuspended && !power.end?.forGood ? "device.suspended" : "credential.invalid";
}

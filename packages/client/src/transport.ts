/** One request as it leaves. Header names are in lower case. */
export type Outgoing = {
  readonly method: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array<ArrayBuffer> | undefined;
  /** Ends the request, also while its reply is still coming. */
  readonly signal: AbortSignal;
};

/** One reply as it comes; `body` can be read once. */
export type Incoming = {
  readonly status: number;
  /** A header's value by its name in lower case. */
  header(name: string): string | undefined;
  readonly body: AsyncIterable<Uint8Array>;
};

/**
 * How requests travel: Node and browsers differ in what they can trust and tell. Redirects are not followed, so that a
 * credential never reaches an address that nobody chose.
 */
export interface Transport {
  /** @throws NotReached, also from `body`; the signal's reason when that ended the request. */
  send(request: Outgoing): Promise<Incoming>;
  /** Lets go of connections that are kept for the next request. */
  close(): void;
}

export type Distance = "unreachable" | "untrusted" | "unencrypted" | "timedOut";

/** No reply came, so nobody knows whether the request was carried out. */
export class NotReached extends Error {
  override readonly name = "NotReached";
  /** `untrusted`: somebody answered, but could not show a certificate that is trusted here; `unencrypted`: the address is not https. Nothing was sent. */
  readonly why: Distance;

  constructor(why: Distance, sentence: string, options?: ErrorOptions) {
    super(sentence, options);
    this.why = why;
  }
}

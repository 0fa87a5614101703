import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { SMTPServer, type SMTPServerSession } from "smtp-server";

/** A letter as a mail server gets it. */
export type Received = {
  readonly to: readonly string[];
  readonly headers: ReadonlyMap<string, string>;
  readonly text: string;
  readonly isOverTls: boolean;
  readonly user: string | undefined;
};

export type MailboxOptions = {
  readonly tls?: { readonly cert: string; readonly key: string; readonly atOnce: boolean };
  /** Without it anybody may send. */
  readonly account?: { readonly user: string; readonly password: string };
};

/** A real mail server on 127.0.0.1 that keeps what it gets. */
export class Mailbox {
  readonly received: Received[] = [];
  /** What a recipient is answered instead of yes. */
  refusal: { readonly code: number } | undefined;
  readonly #server: SMTPServer;
  readonly #waiting = new Set<() => void>();

  private constructor({ tls, account }: MailboxOptions) {
    this.#server = new SMTPServer({
      secure: tls?.atOnce ?? false,
      ...(tls && { cert: tls.cert, key: tls.key }),
      ...(!tls && { disabledCommands: account ? ["STARTTLS"] : ["STARTTLS", "AUTH"] }),
      authOptional: account === undefined,
      allowInsecureAuth: true,
      disableReverseLookup: true,
      closeTimeout: 100,
      logger: false,
      onAuth: ({ username, password }, _session, done) =>
        username === account?.user && password === account?.password
          ? done(null, { user: username })
          : done(Object.assign(new Error("no"), { responseCode: 535 })),
      onRcptTo: (_address, _session, done) =>
        this.refusal ? done(Object.assign(new Error("no"), { responseCode: this.refusal.code })) : done(),
      onData: (stream, session, done) => {
        const chunks: Buffer[] = [];
        stream.on("data", (chunk: Buffer) => void chunks.push(chunk));
        stream.on("end", () => {
          this.#take(Buffer.concat(chunks).toString(), session);
          done();
        });
      },
    });
    this.#server.on("error", () => {}); // whoever hangs up in the midst of something is no concern of a mailbox
  }

  static async open(options: MailboxOptions = {}): Promise<Mailbox> {
    const box = new Mailbox(options);
    const listening = once(box.#server.server, "listening");
    box.#server.listen(0, "127.0.0.1");
    await listening;
    return box;
  }

  get port(): number {
    return (this.#server.server.address() as AddressInfo).port; // it listens on a port
  }

  /** The next letter that fits, one that came before included, and takes it out. */
  async take(fits: (one: Received) => boolean = () => true): Promise<Received> {
    for (;;) {
      const at = this.received.findIndex(fits);
      const [found] = at < 0 ? [] : this.received.splice(at, 1);
      if (found) return found;
      await new Promise<void>((heard) => this.#waiting.add(heard));
    }
  }

  /** The next letter to this address. */
  takeTo(address: string): Promise<Received> {
    return this.take(({ to }) => to.includes(address));
  }

  close(): Promise<void> {
    return new Promise((done) => this.#server.close(() => done()));
  }

  #take(raw: string, { envelope, secure, user }: SMTPServerSession): void {
    const end = raw.indexOf("\r\n\r\n");
    const head = raw.slice(0, end).replaceAll(/\r\n[ \t]+/g, " ");
    const headers = new Map(
      head.split("\r\n").map((line) => [line.slice(0, line.indexOf(":")).toLowerCase(), line.replace(/^[^:]*: */, "")]),
    );
    this.received.push({
      to: envelope.rcptTo.map(({ address }) => address),
      headers,
      text: decoded(raw.slice(end + 4), headers.get("content-transfer-encoding")),
      isOverTls: secure,
      user: typeof user === "string" ? user : undefined,
    });
    for (const heard of this.#waiting) heard();
    this.#waiting.clear();
  }
}

function decoded(body: string, encoding = "7bit"): string {
  const text = body.replaceAll("\r\n", "\n");
  if (encoding === "base64") return Buffer.from(text, "base64").toString();
  if (encoding !== "quoted-printable") return text;
  const bytes = text
    .replaceAll("=\n", "")
    .replaceAll(/=([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(bytes, "latin1").toString();
}

/** The link that stands in a letter on a line of its own. */
export const linkIn = ({ text }: Pick<Received, "text">): string => /^https:\/\/\S+$/m.exec(text)?.[0] ?? "";

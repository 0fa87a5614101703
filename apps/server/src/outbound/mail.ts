import { createTransport, type NodemailerError } from "nodemailer";
import type { Sender, SmtpAddress } from "./smtp-address.ts";

/** A letter as it goes over the wire. */
export type Mail = {
  /** One that stays when it is sent again, so that whoever gets it twice can tell. */
  readonly id: string;
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  readonly at: Date;
};

/** A mail was not taken. Says nothing of what the server answered but its numbers: it may quote addresses. */
export class NotTaken extends Error {
  override readonly name = "NotTaken";
  /** This mail will never be taken; this one may be later; or no mail at all is taken now. */
  readonly which: "for good" | "for now" | "none";
  /** `ECONNECTION`, `RCPT TO 550`. */
  readonly why: string;

  constructor(which: NotTaken["which"], why: string, cause: unknown) {
    super("the mail server did not take a mail", { cause });
    this.which = which;
    this.why = why;
  }
}

const patience = 20_000; // milliseconds for a connection, a greeting, an answer

type Needs = {
  readonly server: SmtpAddress;
  readonly from: Sender;
  /** What to trust instead of what the system does, in PEM. */
  readonly ca: string | undefined;
};

/** Hands mail to the one server that the operator named, and nowhere else. Each mail is a connection of its own: there are few. */
export class MailServer {
  readonly by = "mail";
  readonly #transport: ReturnType<typeof createTransport>;
  readonly #from: Sender;

  constructor({ server, from, ca }: Needs) {
    const { host, port, tls, user, password } = server;
    this.#from = from;
    this.#transport = createTransport({
      host,
      port,
      secure: tls === "at once",
      requireTLS: tls === "upgraded",
      ignoreTLS: tls === "none",
      ...(user !== undefined && { auth: { user, pass: password ?? "" } }),
      ...(ca !== undefined && { tls: { ca } }),
      connectionTimeout: patience,
      greetingTimeout: patience,
      socketTimeout: patience,
      socketCloseTimeout: 0,
      logger: false,
      // Nothing of a letter names a file or an address to fetch, and nothing could.
      disableFileAccess: true,
      disableUrlAccess: true,
    });
  }

  /** @throws NotTaken; the signal's reason when it was given up */
  async take({ id, to, subject, text, at }: Mail, signal: AbortSignal): Promise<void> {
    const { name, address } = this.#from;
    const domain = address.slice(address.indexOf("@") + 1);
    try {
      await this.#transport.sendMail({
        from: { name, address },
        to: { name: "", address: to }, // as an object: a text would be read as a list
        subject,
        text,
        date: at,
        messageId: `<${id}@${domain}>`,
        // RFC 3834, 5: no answer that a program would give.
        headers: { "Auto-Submitted": "auto-generated" },
        signal,
      });
    } catch (error) {
      signal.throwIfAborted();
      throw notTaken(error as NodemailerError); // what it rejects with
    }
  }
}

/** What is said to the address or the text is about this mail. All before it, the sender too, is about every mail. */
function notTaken(error: NodemailerError): NotTaken {
  const { code = "ESOCKET", command = "", responseCode, permanent } = error;
  // 421 ends the conversation, whatever was said before (RFC 5321, 3.8).
  const isAboutThis = responseCode !== undefined && responseCode !== 421 && ["RCPT TO", "DATA"].includes(command);
  const why = responseCode === undefined ? code : `${command} ${responseCode}`;
  if (!isAboutThis) return new NotTaken("none", why, error);
  return new NotTaken(permanent === true ? "for good" : "for now", why, error);
}

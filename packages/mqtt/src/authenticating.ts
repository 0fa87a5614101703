import { disconnectCodeOf, reason } from "./codes.ts";
import type { Connection } from "./connection.ts";
import type { Cursor } from "./cursor.ts";
import { readAuth, type Auth } from "./packets.ts";
import type { Asked, Challenge, Proof, TurnedAway, Welcome } from "./policy.ts";
import type { Properties } from "./properties.ts";
import { ProtocolError } from "./protocol-error.ts";
import type { Session } from "./session.ts";
import { mountsOf, termsOf } from "./terms.ts";
import { after } from "./time.ts";
import { auth, fitting } from "./writer.ts";

const broken = (sentence: string) => new ProtocolError(reason.protocolError, sentence);

type Answer = Welcome | TurnedAway;

/** An AUTH. Throws `ProtocolError` where none belongs. */
export function authenticate({ protocolVersion, authentication }: Connection, cursor: Cursor): void {
  if (protocolVersion === 4) throw new ProtocolError(reason.malformedPacket, "MQTT 3.1.1 has no such packet.");
  const read = readAuth(cursor);
  if (!authentication) throw broken("The CONNECT named no authentication method."); // [MQTT-4.12.0-7]
  authentication.read(read);
}

/** Enhanced authentication (MQTT 5, section 4.12): one exchange when the client connects, and one whenever it proves itself again. */
export class Authentication {
  readonly method: string;
  readonly #connection: Connection;
  #asked: Asked;
  /** Set while the client is to answer. */
  #answer: ((data: Uint8Array | undefined) => void) | undefined;
  #isUnderWay = false;
  #cancel: () => void = () => {};

  constructor(connection: Connection, method: string, asked: Asked) {
    this.method = method;
    this.#connection = connection;
    this.#asked = asked;
  }

  /** Of the CONNECT. Rejects where the policy does. */
  async begin(): Promise<Answer> {
    const data = this.#asked.properties.authenticationData;
    const answer = await this.#exchange({ method: this.method, data, again: undefined });
    this.#asked = { ...this.#asked, password: undefined, will: undefined };
    return answer;
  }

  /**
   * An AUTH of the client: the answer to a question, or the beginning of another exchange. Throws `ProtocolError` where it is not the
   * client's turn, or the method is another than the CONNECT's.
   */
  read({ code, method, data }: Auth): void {
    // [MQTT-4.12.0-5], [MQTT-4.12.1-1]
    if (method !== this.method) throw broken("The authentication method is not that of the CONNECT.");
    if (code === reason.continueAuthentication && this.#answer) return this.#answer(data);
    const connection = this.#connection;
    const { session } = connection;
    if (code !== reason.reAuthenticate || !session || this.#isUnderWay) throw broken("This AUTH was not asked for.");
    this.#exchange({ method, data, again: session.context })
      .then((answer) => this.#conclude(session, answer))
      .catch((fault: unknown) => connection.failed(fault));
  }

  /** Of a session that has proved itself again, or has not. */
  #conclude(session: Session, answer: Answer): void {
    const connection = this.#connection;
    if (connection.hasClosed) return;
    const refusal = "turnedAway" in answer ? answer : differing(session, answer);
    if (refusal) {
      // [MQTT-4.12.1-2]
      return connection.end({ how: "policy", ...refusal, code: disconnectCodeOf(refusal.turnedAway) });
    }
    if ("turnedAway" in answer) return;
    session.welcomed(termsOf(answer, mountsOf(answer)));
    if (!session.isCurrent()) return;
    connection.deadlines.expireAt(answer.expiresAt);
    this.say(reason.success, answer.authenticationData);
  }

  stop(): void {
    this.#cancel();
    this.#answer = undefined;
  }

  async #exchange(proof: Proof): Promise<Answer> {
    const { core } = this.#connection;
    const { policy, limits, time } = core;
    if (!policy.authenticate) return { turnedAway: reason.badAuthenticationMethod }; // [MQTT-4.12.0-1]
    if (isTooLong(proof.data, limits.authenticationBytes)) return { turnedAway: reason.quotaExceeded };
    this.#isUnderWay = true;
    try {
      const deadline = time.elapsed() + limits.authenticationDeadline;
      let step = await policy.authenticate(this.#asked, proof);
      for (let round = 1; "challenge" in step; round++) {
        if (round > limits.authenticationRounds) return { turnedAway: reason.quotaExceeded };
        const answer = await this.#ask(step, deadline - time.elapsed());
        if (answer === "late") return tooLate;
        if (isTooLong(answer.data, limits.authenticationBytes)) return { turnedAway: reason.quotaExceeded };
        step = await step.answered(answer.data);
      }
      return step;
    } finally {
      this.#isUnderWay = false;
    }
  }

  /** Never settles when the connection ends meanwhile: then nobody wants to know. */
  #ask(step: Challenge, patience: number): Promise<{ data: Uint8Array | undefined } | "late"> {
    const connection = this.#connection;
    return new Promise((resolve) => {
      if (connection.hasClosed) return;
      this.#cancel = after(connection.core.time, patience, () => {
        this.#answer = undefined;
        resolve("late");
      });
      this.#answer = (data) => {
        this.stop();
        resolve({ data });
      };
      this.say(reason.continueAuthentication, step.challenge, step.reasonString); // [MQTT-4.12.0-2]
    });
  }

  /** An AUTH to the client ([MQTT-4.12.0-5]). Without room for it in the client's maximum nothing could go on. */
  say(code: number, authenticationData: Uint8Array | undefined, reasonString?: string): void {
    const connection = this.#connection;
    const properties: Properties = { authenticationMethod: this.method, ...connection.told(reasonString) };
    if (authenticationData !== undefined) properties.authenticationData = authenticationData;
    const bytes = fitting(connection.maximumPacket, properties, (fit) => auth(code, fit));
    if (bytes) connection.write(bytes);
    else connection.end({ how: "protocol", code: reason.packetTooLarge });
  }
}

function differing(session: Session, { space, principal }: Welcome): TurnedAway | undefined {
  if (space === session.space.key && principal === session.principal) return undefined;
  return { turnedAway: reason.notAuthorized, reasonString: "This proves somebody else than the one who connected." };
}

const tooLate: TurnedAway = {
  turnedAway: reason.notAuthorized,
  reasonString: "The authentication took too long. Connect again.",
};

const isTooLong = (data: Uint8Array | undefined, most: number): boolean => (data?.length ?? 0) > most;

import type { Load } from "./mqtt/cases.ts";
import { Client, secureContext, type Door } from "./mqtt/client.ts";
import { disconnectFrame } from "./mqtt/frames.ts";
import { openPlace } from "./mqtt/place.ts";
import { measure, peersOf } from "./mqtt/sides.ts";
import { rowOf } from "./mqtt/turns.ts";
import type { Result } from "./result.ts";

const atOnce = 16;

type Case = { readonly name: string; readonly groups: string; readonly resumed: boolean; readonly goal?: number };

// mosquitto's OpenSSL may not know the hybrid group: then it takes the other that is offered, and so there are both rows.
const cases: readonly Case[] = [
  { name: "new, X25519", groups: "X25519", resumed: false, goal: 0.7 },
  { name: "resumed, X25519", groups: "X25519", resumed: true, goal: 0.9 },
  { name: "new, X25519MLKEM768 where known", groups: "X25519MLKEM768:X25519", resumed: false },
  { name: "resumed, X25519MLKEM768 where known", groups: "X25519MLKEM768:X25519", resumed: true },
];

/** Clients that come by TLS 1.3, say CONNECT, hear CONNACK and go, per CPU second of the server. */
export async function run(): Promise<Result> {
  const place = await openPlace();
  try {
    const rows: Result["rows"][number][] = [];
    const unlike: string[] = [];
    for (const { name, groups, resumed, goal } of cases) {
      const found = await measure(
        place,
        goal === undefined ? ["ours", "mosquitto"] : ["ours", "mosquitto", "aedes"],
        async (server, broker) => {
          const coming = new Comers({ port: server.tlsPort, tls: secureContext(place.ca, groups) }, resumed);
          await coming.meet();
          if (coming.isResumed !== resumed) unlike.push(`${broker} does not resume`);
          return coming.load;
        },
      );
      rows.push(rowOf(name, goal, found));
    }
    return {
      name: "mqtt-connections",
      rows,
      notes: [
        `Clients that come (TCP, TLS 1.3, CONNECT, CONNACK) and go (DISCONNECT), ${atOnce} at once, per second of the server's CPU. ECDSA over P-256 and its authority's certificate; TLS_AES_256_GCM_SHA384.`,
        ...new Set(unlike),
        `Beside ${await peersOf(place)}. ${place.note}`,
      ],
    };
  } finally {
    place.close();
  }
}

/** Clients that come and go, each place with the ticket that it got last. */
class Comers {
  readonly #door: Door;
  readonly #resumes: boolean;
  readonly #tickets: (Buffer | undefined)[] = [];
  isResumed = false;

  constructor(door: Door, resumes: boolean) {
    this.#door = door;
    this.#resumes = resumes;
  }

  /** Twice: the first gets the ticket. */
  async meet(): Promise<void> {
    for (let i = 0; i < 2; i++) await Promise.all(Array.from({ length: atOnce }, (_, at) => this.#come(at)));
  }

  readonly load: Load = {
    run: async (isOver) => {
      let carried = 0;
      const come = async (at: number): Promise<void> => {
        while (!isOver()) {
          await this.#come(at);
          carried++;
        }
      };
      await Promise.all(Array.from({ length: atOnce }, (_, at) => come(at)));
      return carried;
    },
    close: () => {},
  };

  async #come(at: number): Promise<void> {
    const session = this.#resumes ? this.#tickets[at] : undefined;
    const keepSession = (ticket: Buffer) => void (this.#tickets[at] = ticket);
    const client = await Client.connect(this.#door, `comer-${at}`, { session, keepSession });
    this.isResumed = client.tls.isSessionReused();
    client.socket.end(disconnectFrame);
  }
}

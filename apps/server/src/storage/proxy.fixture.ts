import net from "node:net";
import type { Login } from "./index.ts";
import type { Ends } from "./notes.fixture.ts";

/** A wire to PostgreSQL that a test can cut: what a crash, a restart and a broken network look like from here. */
export class Proxy {
  readonly login: Login;
  readonly #sockets: Set<net.Socket>;
  readonly #state: State;

  private constructor(login: Login, sockets: Set<net.Socket>, state: State) {
    this.login = login;
    this.#sockets = sockets;
    this.#state = state;
  }

  static async to(t: Ends, login: Login): Promise<Proxy> {
    const sockets = new Set<net.Socket>();
    const state: State = { isUp: true, swallowReplyTo: undefined, holds: undefined, refused: () => undefined };
    const server = net.createServer((near) => {
      if (!state.isUp) {
        near.destroy();
        return state.refused();
      }
      const far = net.connect(`${login.host}/.s.PGSQL.${login.port}`);
      let isSwallowing = false;
      for (const socket of [near, far]) {
        sockets.add(socket);
        socket.on("error", () => undefined); // cutting is what this is for
        socket.on("close", () => {
          sockets.delete(socket);
          near.destroy();
          // What was sent together with it is done, too: of a whole transaction the end stands behind the first reply.
          if (isSwallowing) far.end();
          else far.destroy();
        });
      }
      near.on("data", (bytes) => {
        if (state.swallowReplyTo !== undefined && bytes.includes(state.swallowReplyTo)) isSwallowing = true;
        if (state.holds && bytes.includes(state.holds.text)) {
          near.pause();
          void state.holds.isOver.then(() => near.resume());
          return near.unshift(bytes);
        }
        far.write(bytes);
      });
      far.on("data", (bytes) => {
        if (isSwallowing) near.destroy();
        else near.write(bytes);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    t.after(async () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    });
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("the proxy has no port");
    return new Proxy({ ...login, host: "127.0.0.1", port: address.port }, sockets, state);
  }

  /** Breaks every connection; new ones still come about. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  /** From now on nobody gets through, and who was is cut. */
  down(): void {
    this.#state.isUp = false;
    this.cut();
  }

  /** Settles when somebody came while nobody gets through. */
  refusal(): Promise<void> {
    return new Promise((resolve) => (this.#state.refused = resolve));
  }

  up(): void {
    this.#state.isUp = true;
  }

  /** A message with this text reaches PostgreSQL, which does as told; the answer and the connection are lost. */
  swallowReplyTo(text: string | undefined): void {
    this.#state.swallowReplyTo = text;
  }

  /** Messages with this text, and what is sent behind them, wait until the answer is called. */
  hold(text: string): () => void {
    const { promise: isOver, resolve } = Promise.withResolvers<void>();
    this.#state.holds = { text, isOver };
    return () => {
      this.#state.holds = undefined;
      resolve();
    };
  }
}

type State = {
  isUp: boolean;
  swallowReplyTo: string | undefined;
  holds: { readonly text: string; readonly isOver: Promise<void> } | undefined;
  refused: () => void;
};

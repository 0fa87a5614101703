import type { Client, Transport } from "@holdfast/client";
import { connect, credentialFor, placeOf, type Place, type Shown } from "./connection.ts";
import type { Globals } from "./command-line.ts";
import type { Printer } from "./printer.ts";
import { profileOf } from "./signed-in.ts";
import type { World } from "./world.ts";

/** What a verb works with. */
export class Tools implements Disposable {
  readonly world: World;
  readonly globals: Globals;
  readonly print: Printer;
  readonly #clients: Client[] = [];

  constructor(world: World, globals: Globals, print: Printer) {
    this.world = world;
    this.globals = globals;
    this.print = print;
  }

  /** A client that shows the caller's credential. @throws Misuse when there is none, or no address */
  async client(): Promise<Client> {
    const profile = profileOf(this.world);
    const place = placeOf(this.globals, this.world, profile);
    return this.clientAt(place, await credentialFor(place.url, this.globals, this.world, profile));
  }

  /** Where the platform is. @throws Misuse when nobody says */
  place(): Place {
    return placeOf(this.globals, this.world, profileOf(this.world));
  }

  /** A client that is nobody: for what is open to all. */
  stranger(): Client {
    return this.clientAt(this.place());
  }

  clientAt(place: Place, shown?: Shown): Client {
    const transport = this.#watched(this.world.transport(place.ca), place.url);
    const client = connect(place, shown, transport, this.world.clock);
    this.#clients.push(client);
    return client;
  }

  [Symbol.dispose](): void {
    for (const client of this.#clients) client.close();
  }

  /** Says what is waited for. */
  #watched(transport: Transport, url: string): Transport {
    const text = (): string => `Waiting for ${new URL(url).host}`;
    return {
      send: (request) => this.print.progress.during(text, transport.send(request)),
      close: () => transport.close(),
    };
  }
}

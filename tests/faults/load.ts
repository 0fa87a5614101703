/** The load, in a process of its own: 64 devices that publish as fast as they are acknowledged. Started and steered by `generator.ts`. */
import { readFileSync } from "node:fs";
import { Publisher, type Publishing, type Told } from "./publisher.ts";

export type Order =
  /** Say so when each publisher was acknowledged something. */
  | {
      readonly order: "begin";
      readonly port: number;
      readonly caFile: string;
      readonly publishing: readonly Publishing[];
      readonly rest: number;
    }
  /** Say so when so many more were acknowledged. */
  | { readonly order: "count"; readonly more: number }
  /** Send nothing new; say so when everything sent was acknowledged. */
  | { readonly order: "drain" }
  /** Say so when each publisher has lost a connection with publications outstanding since this order. */
  | { readonly order: "watch" }
  | { readonly order: "end" };

export type Report =
  | { readonly report: "begun" }
  | { readonly report: "counted" }
  | { readonly report: "drained" }
  | { readonly report: "cutOff" }
  | { readonly report: "told"; readonly told: readonly Told[] };

let publishers: readonly Publisher[] = [];
let acknowledged = 0;
let wanted = Infinity;

const say = (report: Report): void => void process.send?.(report);

function counted(): void {
  acknowledged += 1;
  if (acknowledged < wanted) return;
  wanted = Infinity;
  say({ report: "counted" });
}

async function obey(order: Order): Promise<void> {
  switch (order.order) {
    case "begin": {
      const ca = readFileSync(order.caFile, "utf8");
      publishers = order.publishing.map((publishing, at) => {
        // Not all in one millisecond, and the same in every run.
        const pause = () => 50 + ((at * 7) % 100);
        const { port, rest } = order;
        return new Publisher({ publishing, host: "127.0.0.1", port, ca, pause, rest, acknowledged: counted });
      });
      await Promise.all(publishers.map((publisher) => publisher.begun));
      return say({ report: "begun" });
    }
    case "count":
      wanted = acknowledged + order.more;
      return;
    case "drain":
      await Promise.all(publishers.map((publisher) => publisher.drain()));
      return say({ report: "drained" });
    case "watch":
      await Promise.all(publishers.map((publisher) => publisher.lost()));
      return say({ report: "cutOff" });
    case "end":
      say({ report: "told", told: publishers.map((publisher) => publisher.tell()) });
      for (const publisher of publishers) publisher.close();
      process.disconnect?.();
  }
}

process.on("message", (order: Order) => void obey(order));
process.on("disconnect", () => process.exit());

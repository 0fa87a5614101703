import { fork, type ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Deployment } from "./deployment.ts";
import type { Order, Report } from "./load.ts";
import type { Dating, Publishing, Told } from "./publisher.ts";

const program = fileURLToPath(new URL("./load.ts", import.meta.url));

const datings: readonly Dating[] = ["own", "given", "both"];
const week = 7 * 86_400_000;

/** The load as a test steers it. */
export class Generator {
  readonly #child: ChildProcess;
  readonly publishing: readonly Publishing[];
  #heard: ((report: Report) => void) | undefined;
  #failed: ((error: Error) => void) | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** Begins a load of as many devices, made for it: of MQTT 3.1.1 and 5, with times of their own, without, and with either. */
  static async on(deployment: Deployment, token: string, { publishers = 64, rest = 0 } = {}): Promise<Generator> {
    const me = deployment.visitor.as(token);
    const application = await me.post<{ id: string }>("/v1/applications", { name: "Load" });
    const make = async (_: unknown, at: number): Promise<Publishing> => {
      const asked = { application: application.id, name: `Publisher ${at}` };
      const { id, key } = await me.post<{ id: string; key: Publishing["key"] }>("/v1/devices", asked);
      return {
        device: id,
        key,
        version: at % 4 === 3 ? 5 : 4,
        dating: datings[at % 3] ?? "own",
        epoch: Date.now() - week,
      };
    };
    const publishing = await Promise.all(Array.from({ length: publishers }, make));
    const generator = new Generator(publishing);
    const { mqttsPort: port, caFile } = deployment;
    await generator.#ask({ order: "begin", port, caFile, publishing, rest }, "an acknowledgement for each publisher");
    return generator;
  }

  private constructor(publishing: readonly Publishing[]) {
    this.publishing = publishing;
    this.#child = fork(program, { stdio: ["ignore", "inherit", "inherit", "ipc"] });
    this.#child.on("message", (report: Report) => this.#heard?.(report));
    this.#child.once("exit", (code) => this.#failed?.(new Error(`the load ended with ${code}`)));
  }

  /** Answers when so many more publications were acknowledged; gives up after a minute. */
  async acknowledged(more: number): Promise<void> {
    await this.#ask({ order: "count", more }, `${more} more acknowledgements`);
  }

  /** Whoever waits for acknowledgements waits no more, and is not told. */
  forget(): void {
    clearTimeout(this.#timer);
    this.#heard = undefined;
    this.#failed = undefined;
  }

  async drain(): Promise<void> {
    await this.#ask({ order: "drain" }, "the acknowledgements of everything sent");
  }

  /** Answers when every publisher has been cut off with publications outstanding. */
  async cutOff(): Promise<void> {
    await this.#ask({ order: "watch" }, "the end of every connection");
  }

  async end(): Promise<readonly Told[]> {
    const report = await this.#ask({ order: "end" }, "what the load knows");
    if (report.report !== "told") throw new Error(`the load answered ${report.report}`);
    return report.told;
  }

  kill(): void {
    this.#child.kill("SIGKILL");
  }

  #ask(order: Order, what: string): Promise<Report> {
    return new Promise((resolve, reject) => {
      this.#timer = setTimeout(() => reject(new Error(`waited a minute for ${what}`)), 60_000);
      const settle =
        <T>(with_: (value: T) => void) =>
        (value: T) => {
          this.forget();
          with_(value);
        };
      this.#heard = settle(resolve);
      this.#failed = settle(reject);
      this.#child.send(order);
    });
  }
}

import { execFileSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { connect, createServer, type AddressInfo } from "node:net";
import path from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import type { Place } from "./place.ts";

/** A broker in a process of its own. */
export type Server = {
  readonly name: string;
  readonly pid: number;
  readonly port: number;
  readonly tlsPort: number;
  /** Seconds of CPU, user and system, since it began. */
  cpu(): number;
  /** Bytes of memory in use. */
  memory(): number;
  stop(): Promise<void>;
};

/** Which brokers there are; `undefined` where one is not on this machine. */
export const brokers = { ours: startOurs, mosquitto: startMosquitto, aedes: startAedes };
export type BrokerName = keyof typeof brokers;

// As `npm run mqtt` starts it.
const standalone = [
  "--max-semi-space-size=4",
  path.join(import.meta.dirname, "../../packages/mqtt/src/standalone/main.ts"),
];

async function startOurs(place: Place): Promise<Server> {
  const files = ["--cert", place.certFile, "--key", place.keyFile];
  const child = place.start(process.execPath, [...standalone, "--port", "0", "--tls-port", "0", ...files]);
  return observed("ours", child, portsIn(await firstLine(child)));
}

async function startAedes(place: Place): Promise<Server> {
  const program = path.join(import.meta.dirname, "aedes.ts");
  const child = place.start(process.execPath, [program, place.certFile, place.keyFile]);
  const line = await firstLine(child);
  return observed(line.split(" at ")[0] ?? "", child, portsIn(line));
}

async function startMosquitto(place: Place): Promise<Server | undefined> {
  const version = mosquittoVersion();
  if (version === undefined) return undefined;
  const [port, tlsPort] = [await freePort(), await freePort()];
  const file = path.join(place.folder, `mosquitto-${port}.conf`);
  const lines = [
    `user ${process.getuid?.() === 0 ? "root" : "mosquitto"}`, // as root it would become somebody who cannot read the key
    "max_queued_messages 0",
    "set_tcp_nodelay true",
    "persistence false",
    "log_type none",
    "allow_anonymous true",
    `listener ${port} 127.0.0.1`,
    `listener ${tlsPort} 127.0.0.1`,
    `certfile ${place.certFile}`,
    `keyfile ${place.keyFile}`,
    "tls_version tlsv1.3",
  ];
  writeFileSync(file, `${lines.join("\n")}\n`);
  const child = place.start("mosquitto", ["-c", file], "pipe");
  let complaints = ""; // one is that it runs as root
  child.stderr?.on("data", (text: Buffer) => (complaints += text.toString()));
  if (!(await answers(port, child))) throw new Error(`mosquitto does not listen: ${complaints}`);
  return observed(`mosquitto ${version}`, child, { port, tlsPort });
}

function mosquittoVersion(): string | undefined {
  try {
    execFileSync("mosquitto", ["-h"], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
  } catch (error) {
    // It prints its help and says 3, or it is not there.
    const said = error instanceof Error && "stdout" in error ? String(error.stdout) : "";
    return /mosquitto version (\S+)/.exec(said)?.[1];
  }
  return "of unknown version";
}

type Ports = { readonly port: number; readonly tlsPort: number };

/** What a program says when it listens. */
function firstLine(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    child.stdout?.once("data", (bytes: Buffer) => resolve(bytes.toString()));
    child.once("exit", () => reject(new Error("The broker did not start.")));
  });
}

function portsIn(line: string): Ports {
  const port = (scheme: string) => Number(new RegExp(`${scheme}://127\\.0\\.0\\.1:(\\d+)`).exec(line)?.[1]);
  return { port: port("mqtt"), tlsPort: port("mqtts") };
}

function observed(name: string, child: ChildProcess, ports: Ports): Server {
  const pid = child.pid ?? 0;
  return {
    name,
    pid,
    ...ports,
    cpu: () => cpuOf(pid),
    memory: () => 1024 * Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]),
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const gone = once(child, "exit");
      child.kill("SIGKILL"); // it keeps nothing, and is not to say goodbye to thousands
      await gone;
    },
  };
}

/** proc(5): utime and stime are the 14th and 15th field, in ticks of 10 ms; the name before them may hold blanks. */
export function cpuOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo; // a TCP server that listens has an AddressInfo
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function answers(port: number, child: ChildProcess): Promise<boolean> {
  for (let tries = 0; tries < 100 && child.exitCode === null; tries++) {
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect(port, "127.0.0.1", () => resolve(true));
      socket.on("error", () => resolve(false));
      socket.on("connect", () => socket.destroy());
    });
    if (open) return true;
    await wait(50);
  }
  return false;
}

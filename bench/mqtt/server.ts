import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";

/** A broker in a process of its own. */
export type Server = {
  readonly name: string;
  readonly port: number;
  /** Seconds of CPU, user and system, since it began. */
  cpu(): number;
  /** Bytes of memory in use. */
  memory(): number;
  stop(): void;
};

const standalone = path.join(import.meta.dirname, "../../packages/mqtt/src/standalone/main.ts");

export async function startOurs(): Promise<Server> {
  const child = spawn(process.execPath, [standalone, "--port", "0"], { stdio: ["ignore", "pipe", "inherit"] });
  const line = await new Promise<string>((resolve, reject) => {
    child.stdout.once("data", (bytes: Buffer) => resolve(bytes.toString()));
    child.once("exit", () => reject(new Error("The broker did not start.")));
  });
  const port = Number(/mqtt:\/\/127\.0\.0\.1:(\d+)/.exec(line)?.[1]);
  return observed("ours", child, port, () => {});
}

/** `undefined` where it is not on this machine. */
export async function startMosquitto(): Promise<Server | undefined> {
  const version = mosquittoVersion();
  if (version === undefined) return undefined;
  const port = await freePort();
  const folder = mkdtempSync(path.join(tmpdir(), "bench-mqtt-"));
  const file = path.join(folder, "mosquitto.conf");
  const settings = ["max_queued_messages 0", "set_tcp_nodelay true", "persistence false", "log_type none"];
  writeFileSync(file, [`listener ${port} 127.0.0.1`, "allow_anonymous true", ...settings, ""].join("\n"));
  const child = spawn("mosquitto", ["-c", file], { stdio: "ignore" });
  await answers(port);
  return observed(`mosquitto ${version}`, child, port, () => rmSync(folder, { recursive: true }));
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

function observed(name: string, child: ChildProcess, port: number, tidy: () => void): Server {
  const { pid } = child;
  return {
    name,
    port,
    // proc(5): utime and stime are the 14th and 15th field, in ticks of 10 ms; the name before them may hold blanks.
    cpu() {
      const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
      return (Number(fields[11]) + Number(fields[12])) / 100;
    },
    memory: () => 1024 * Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]),
    stop() {
      child.kill();
      tidy();
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo; // a TCP server that listens has an AddressInfo
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function answers(port: number): Promise<void> {
  const { connect } = await import("node:net");
  for (let tries = 0; tries < 100; tries++) {
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect(port, "127.0.0.1", () => resolve(true));
      socket.on("error", () => resolve(false));
      socket.on("connect", () => socket.destroy());
    });
    if (open) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error("mosquitto does not listen.");
}

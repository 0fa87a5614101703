import { readFileSync } from "node:fs";
import { createInterface } from "node:readline/promises";
import { Writable } from "node:stream";
import { text as textOf } from "node:stream/consumers";
import { Refusal } from "@holdfast/kernel";

/**
 * A passphrase: the first line of a file, or of stdin by `-`, or what a person types, unseen. Never from a flag, which every process of the
 * machine can read. A new one is asked for twice. @throws Refusal `config.malformed`
 */
export async function readPassphrase(file: string | undefined, kind: "new" | "known"): Promise<string> {
  if (file === undefined) return typed(kind);
  const passphrase = (await contentOf(file)).replace(/\r?\n$/, "");
  if (passphrase === "") throw malformed("is empty");
  if (/[\r\n]/.test(passphrase)) throw malformed("has more than one line");
  return passphrase;
}

async function contentOf(file: string): Promise<string> {
  if (file === "-") return textOf(process.stdin);
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    throw malformed("cannot be read", cause);
  }
}

async function typed(kind: "new" | "known"): Promise<string> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) throw malformed("is missing, and there is no terminal to ask on");
  const first = await ask("Passphrase: ");
  if (kind === "new" && first !== (await ask("The same again: "))) throw malformed("was typed in two different ways");
  return first;
}

async function ask(question: string): Promise<string> {
  const unseen = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: process.stdin, output: unseen, terminal: true, historySize: 0 });
  const left = Promise.withResolvers<never>();
  lines.once("close", () => left.reject(malformed("was not given")));
  process.stderr.write(question);
  try {
    return await Promise.race([lines.question(""), left.promise]);
  } finally {
    left.promise.catch(() => undefined); // closed by ourselves now
    lines.close();
    process.stderr.write("\n");
  }
}

const malformed = (what: string, cause?: unknown): Refusal =>
  new Refusal("config.malformed", { cause, detail: `The passphrase (--passphrase-file) ${what}.` });

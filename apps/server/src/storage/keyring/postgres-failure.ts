import pg from "pg";
import { Refusal } from "@holdfast/kernel";

const full = "53100";
/** Connections, sign-in, rights, no such database, resources, waiting too long, a server that stops: the classes of SQLSTATE. */
const outages = /^(08|28|3D|42501|53|55P03|57)/;

/** In our words: a PostgreSQL that cannot be asked. What it says about our own statements stays what it is. */
export function outageOf(error: unknown): unknown {
  if (error instanceof Refusal) return error;
  if (error instanceof TypeError || error instanceof RangeError || error instanceof SyntaxError) return error;
  // `pg` and the sockets below it have many plain errors, which all say that there is no answer.
  if (!(error instanceof pg.DatabaseError)) return new Refusal("keyring.unreachable", { cause: error });
  const code = error.code ?? "";
  if (code === full) return new Refusal("storage.full", { cause: error });
  const endsConnection = error.severity === "FATAL" || error.severity === "PANIC";
  // Our own bug. PostgreSQL's detail is left out: it quotes rows.
  if (!endsConnection && !outages.test(code))
    return new Error(`the keyring's PostgreSQL refused a statement with ${code}`);
  const detail = code === "42501" ? "Its account may not make or use the schema holdfast_keyring there." : undefined;
  return new Refusal("keyring.unreachable", { cause: error, ...(detail === undefined ? {} : { detail }) });
}

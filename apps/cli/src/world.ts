import type { Clock } from "@holdfast/kernel";
import type { Transport } from "@holdfast/client";
import type { Environment } from "./environment.ts";
import type { Keyring } from "./keyring.ts";

/** Where text goes: `process.stdout`, `process.stderr`. */
export type Outlet = NodeJS.WritableStream & { readonly isTTY?: boolean };

/** Where answers come from: `process.stdin`. */
export type Inlet = NodeJS.ReadableStream & { readonly isTTY?: boolean };

/** Everything that the command meets outside of itself. */
export type World = {
  readonly out: Outlet;
  readonly err: Outlet;
  readonly in: Inlet;
  readonly environment: Environment;
  readonly clock: Clock;
  /** `ca`: PEM text of the authorities to trust; without it the ones that Node brings. */
  transport(ca: string | undefined): Transport;
  readonly keyring: Keyring;
  /** What this machine calls itself. */
  readonly machine: string;
  /** Shows a page in the person's browser. @throws Error when there is none to be started */
  open(url: string): Promise<void>;
  /** Resolves after so many milliseconds. */
  pause(milliseconds: number): Promise<void>;
};

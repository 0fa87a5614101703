import type { Clock } from "@holdfast/kernel";
import type { Transport } from "@holdfast/client";
import type { Environment } from "./environment.ts";

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
  /** Resolves after so many milliseconds. */
  pause(milliseconds: number): Promise<void>;
};

import type { Id, Instant } from "@holdfast/kernel";

/** A solution inside an organisation: some devices and the programs that use them. */
export type Application = {
  readonly id: Id<"application">;
  readonly name: string;
  readonly createdAt: Instant;
  readonly version: number;
};

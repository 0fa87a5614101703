import type { Id, Instant } from "@holdfast/kernel";

/** Who may become a user of it without being invited: nobody, whoever is confirmed, anybody. */
export type SignUp = "closed" | "confirmed" | "open";

/** A solution inside an organisation: some devices and the programs that use them. */
export type Application = {
  readonly id: Id<"application">;
  readonly name: string;
  /** `undefined` is closed. */
  readonly signUp?: SignUp | undefined;
  readonly createdAt: Instant;
  readonly version: number;
};

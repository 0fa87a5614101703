import type { Exit } from "./failure.ts";
import type { Given, Parameters } from "./parameter.ts";
import type { Tools } from "./tools.ts";

/** What a verb is called by, and all that help, parsing and running need to know of it. */
export type Verb = {
  /** One or two words. */
  readonly name: string;
  /** One line, without a full stop. */
  readonly summary: string;
  /** Words without a flag, in their order; only the last may repeat. */
  readonly arguments: Parameters;
  readonly flags: Parameters;
  /** How it is used, word for word. */
  readonly examples: readonly string[];
  /** Answers through `tools.print`. Throws what `failureOf` understands. */
  run(given: Readonly<Record<string, unknown>>, tools: Tools): Promise<Exit | void>;
};

/** A verb whose `run` gets exactly what it declares. */
export function verb<const A extends Parameters = {}, const F extends Parameters = {}>(declared: {
  name: string;
  summary: string;
  arguments?: A;
  flags?: F;
  examples?: readonly string[];
  run(given: Given<A> & Given<F>, tools: Tools): Promise<Exit | void>;
}): Verb {
  return {
    name: declared.name,
    summary: declared.summary,
    arguments: declared.arguments ?? {},
    flags: declared.flags ?? {},
    examples: declared.examples ?? [],
    // The command line is read by these same parameters, so what it gives is what they declare.
    run: (given, tools) => declared.run(given as Given<A> & Given<F>, tools),
  };
}

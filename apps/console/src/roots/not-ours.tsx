import { ApiProblem } from "@holdfast/client";
import { Empty } from "../kit/index.ts";

/** Whether the platform shows a certificate from files, whose roots are somebody else's. */
export const isNotOurs = (error: unknown): error is ApiProblem =>
  error instanceof ApiProblem && error.code === "roots.notOurs";

/** There is nothing to stage, and why. */
export const NotOurs = ({ error }: { readonly error: ApiProblem }) => <Empty>{error.message}</Empty>;

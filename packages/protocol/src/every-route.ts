import type { Route } from "./route.ts";
import * as routes from "./routes.ts";

/** The routes by name, for whoever goes through all of them: of their own types the compiler would make one of hundreds, for seconds. */
export const everyRoute: Readonly<Record<string, Route>> = routes;

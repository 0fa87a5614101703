import { words } from "../words/index.ts";
import { paths } from "./paths.ts";

/** Where one can go in an organisation, as the rail shows it. `exact`: what lies below is a place of its own. */
export const places = [
  { to: paths.overview, label: words.places.overview, exact: true },
  { to: paths.devices, label: words.places.devices, exact: false },
  { to: paths.products, label: words.places.products, exact: false },
  { to: paths.dashboards, label: words.places.dashboards, exact: false },
  { to: paths.alerts, label: words.places.alerts, exact: false },
  { to: paths.access, label: words.places.access, exact: false },
  { to: paths.audit, label: words.places.audit, exact: false },
  { to: paths.usage, label: words.places.usage, exact: false },
  { to: paths.settings, label: words.places.settings, exact: false },
] as const;

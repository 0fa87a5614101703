import { NativeSelect } from "@mantine/core";
import { Link, useNavigate } from "@tanstack/react-router";
import { Empty, paths, useShown } from "../kit/index.ts";
import { useOrg } from "../session/index.ts";
import { words } from "../words/index.ts";
import { AlertList } from "./alert-list.tsx";
import { useRules } from "./asked.ts";
import { AlertsFrame } from "./frame.tsx";

const own = words.alerts;
type Shows = keyof typeof own.filters;
const filters = Object.keys(own.filters) as Shows[]; // the keys of a constant

/** What is wrong with devices, and who sees to it. */
export function Alerts() {
  const navigate = useNavigate();
  const { q } = useShown();
  const shows = filters.find((one) => one === q) ?? "open";
  return (
    <AlertsFrame lead={own.lead}>
      <NativeSelect
        label={own.show}
        w={260}
        value={shows}
        data={filters.map((value) => ({ value, label: own.filters[value] }))}
        onChange={({ currentTarget: { value } }) =>
          void navigate({ to: ".", search: value === "open" ? {} : { q: value } })
        }
      />
      <AlertList state={shows === "all" ? undefined : shows} empty={<Nothing shows={shows} />} />
    </AlertsFrame>
  );
}

/** That nothing is wrong, or that nothing would say so. */
function Nothing({ shows }: { readonly shows: Shows }) {
  const org = useOrg();
  const { data } = useRules();
  if (data?.items.length !== 0 || data.altered) return <Empty>{own.empty[shows]}</Empty>;
  const next = (
    <Link to={paths.alertRules} params={{ org: org.id }}>
      {own.toRules}
    </Link>
  );
  return <Empty next={next}>{own.noRules}</Empty>;
}

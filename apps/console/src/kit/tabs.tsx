import { Group } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import type { paths } from "./paths.ts";

type Path = (typeof paths)[keyof typeof paths];

/** The pages of one place, beside each other. */
export function Tabs({
  label,
  tabs,
  params,
  children,
}: {
  readonly label: string;
  readonly tabs: readonly { readonly to: Path; readonly label: string }[];
  readonly params: Readonly<Record<string, string>>;
  /** Ways to pages of other places. */
  readonly children?: ReactNode;
}) {
  return (
    <Group component="nav" gap="md" aria-label={label} className="hf-tabs">
      {tabs.map((tab) => (
        <Link key={tab.to} to={tab.to} params={params} activeOptions={{ exact: true, includeSearch: false }}>
          {tab.label}
        </Link>
      ))}
      {children}
    </Group>
  );
}

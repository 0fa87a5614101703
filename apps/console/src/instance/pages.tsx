import { Text } from "@mantine/core";
import { useAdministered } from "../session/index.ts";
import { words } from "../words/index.ts";
import { Organisations } from "./organisations.tsx";
import { People } from "./people.tsx";

const Nobody = () => <Text>{words.instance.none}</Text>;

export function InstanceOrganisations() {
  const by = useAdministered();
  return by === undefined ? <Nobody /> : <Organisations by={by} />;
}

export function InstancePeople() {
  const by = useAdministered();
  return by === undefined ? <Nobody /> : <People by={by} />;
}

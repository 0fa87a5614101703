import { routes } from "@holdfast/protocol";
import { Button, Stack, Text } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { apiFor, useAct } from "../api/index.ts";
import { paths, ProblemNotice } from "../kit/index.ts";
import { Door, linkSecret } from "../session/index.ts";
import { words } from "../words/index.ts";

const own = words.callOff;

/** Where the link of the letter leads that says that somebody's second factors are to go. */
export function CallOff() {
  const [secret] = useState(() => linkSecret("call-off", window.location.hash));
  const keep = useAct((given: string) => apiFor().call(routes.callOffFactorResetByLink, { body: { secret: given } }));
  if (secret === undefined) return <Ended lead={own.noLink} />;
  if (keep.isSuccess) return <Ended lead={own.done} />;
  return (
    <Door title={own.title} lead={own.lead}>
      <Stack gap="sm">
        {keep.error && <ProblemNotice error={keep.error} />}
        <Button loading={keep.isPending} onClick={() => keep.mutate(secret)}>
          {own.keep}
        </Button>
        <Text fz="sm" c="var(--hf-dim)">
          {own.otherwise}
        </Text>
      </Stack>
    </Door>
  );
}

const Ended = ({ lead }: { readonly lead: string }) => (
  <Door title={own.title} lead={lead}>
    <Text fz="sm">
      <Link to={paths.start}>{own.out}</Link>
    </Text>
  </Door>
);

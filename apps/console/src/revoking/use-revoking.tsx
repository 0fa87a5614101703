import { Alert, Text } from "@mantine/core";
import type { Reply } from "@holdfast/client";
import { routes } from "@holdfast/protocol";
import { useState, type ReactNode } from "react";
import { apiFor, queryClient } from "../api/index.ts";
import { Confirm, EntityId } from "../kit/index.ts";
import { useOrg } from "../session/index.ts";
import { words } from "../words/index.ts";
import { WhatEnds } from "./what-ends.tsx";

type Ends = Reply<typeof routes.previewRevocation>;
type Asked = { readonly credential: string; readonly name: string };

const own = words.revoking;

/** The way to revoke a credential: a dialog that says what it will cut off, and afterwards a notice of what it did. */
export function useRevoking(): { ask(asked: Asked): void; readonly dialog: ReactNode; readonly notice: ReactNode } {
  const org = useOrg();
  const [asked, setAsked] = useState<Asked | undefined>(undefined);
  const [done, setDone] = useState<{ before: Ends; after: Ends } | undefined>(undefined);
  const act = async () => {
    if (!asked) return;
    const about = { params: { credential: asked.credential } };
    const api = apiFor(org.id);
    const before = await api.call(routes.previewRevocation, about);
    await api.call(routes.revokeCredential, about);
    await queryClient.invalidateQueries();
    setDone({ before, after: await api.call(routes.previewRevocation, about) });
  };
  return {
    ask: setAsked,
    dialog: asked && (
      <Confirm
        opened
        close={() => setAsked(undefined)}
        title={own.revoke}
        label={own.revoke}
        name={asked.name}
        act={act}
      >
        <Text fz="sm">{own.hint}</Text>
        <EntityId id={asked.credential} />
        <WhatEnds credential={asked.credential} />
      </Confirm>
    ),
    notice: done && (
      <Alert role="status" variant="outline" color="gray" c="var(--hf-text)" title={own.done}>
        <Text fz="sm">
          {own.closed(done.before.connections)} {own.left(done.after.connections)}
        </Text>
      </Alert>
    ),
  };
}

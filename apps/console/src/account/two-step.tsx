import { Button, Group, Text } from "@mantine/core";
import type { Reply } from "@holdfast/client";
import { routes } from "@holdfast/protocol";
import { useSuspenseQuery } from "@tanstack/react-query";
import { useState } from "react";
import { apiFor, useAct } from "../api/index.ts";
import { Facts, Moment, ProblemNotice } from "../kit/index.ts";
import { words } from "../words/index.ts";
import { accountQuery, passkeysQuery } from "./account.ts";
import { AccountCard } from "./card.tsx";
import { Removing, Renewing } from "./codes-ending.tsx";
import { Enrolling } from "./enrolling.tsx";

const own = words.account.twoStep;
const few = 3;

/** Codes of an authenticator app, and what stands in for it when it is lost. */
export function TwoStep() {
  const { data } = useSuspenseQuery(accountQuery);
  const { data: passkeys } = useSuspenseQuery(passkeysQuery);
  const [asked, ask] = useState<"enrol" | "renew" | "remove" | undefined>(undefined);
  const [offer, setOffer] = useState<Reply<typeof routes.offerTotp> | undefined>(undefined);
  const close = () => ask(undefined);
  // Before the dialog: it asks who is there, perhaps, and a dialog on a dialog is one too many.
  const begin = useAct(async () => {
    setOffer(await apiFor().call(routes.offerTotp, { body: {} }));
    ask("enrol");
  });
  const { totp, recoveryCodes } = data;
  return (
    <AccountCard title={own.title} lead={own.lead}>
      {totp ? (
        <>
          <Facts
            facts={[
              [own.since, <Moment key="since" at={totp.since} exactly />],
              [own.codesTitle, own.left(recoveryCodes)],
            ]}
          />
          {recoveryCodes <= few && (
            <Text fz="sm" className="hf-warn">
              {own.few}
            </Text>
          )}
        </>
      ) : (
        <Text fz="sm">{passkeys.items.length > 0 ? own.offBesidePasskeys : own.off}</Text>
      )}
      {begin.error && <ProblemNotice error={begin.error} />}
      <Group gap="xs">
        <Button variant={totp ? "default" : "filled"} loading={begin.isPending} onClick={() => begin.mutate(undefined)}>
          {totp ? own.replace : own.begin}
        </Button>
        {totp && (
          <>
            <Button variant="default" onClick={() => ask("renew")}>
              {own.renew}
            </Button>
            <Button color="red" variant="outline" onClick={() => ask("remove")}>
              {own.remove}
            </Button>
          </>
        )}
      </Group>
      {asked === "enrol" && offer && <Enrolling offer={offer} isReplacing={totp !== undefined} close={close} />}
      {asked === "renew" && <Renewing close={close} />}
      {asked === "remove" && <Removing close={close} />}
    </AccountCard>
  );
}

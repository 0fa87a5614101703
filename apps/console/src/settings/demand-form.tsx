import { Button, Checkbox, Group, Modal, NativeSelect, NumberInput, Stack, Text, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useDebouncedValue } from "@mantine/hooks";
import { routes, tlsVersions, type Demands } from "@holdfast/protocol";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { apiFor, useAct } from "../api/index.ts";
import { isAhead, Press, ProblemNotice } from "../kit/index.ts";
import { Ending } from "../revoking/index.ts";
import { useKept, useOrg } from "../session/index.ts";
import { words } from "../words/index.ts";
import { dayOf, withAsked, type Asked, type Party, type Refused } from "./demanded.ts";

const own = words.demands;
const noMoreThan = 3_650;

/** What is demanded of one party. What that would refuse is told while it is typed. */
export function DemandForm({
  party,
  demands,
  close,
  done,
}: {
  readonly party: Party;
  readonly demands: Demands;
  readonly close: () => void;
  readonly done: (what: { before: Refused; after: Refused } | "later") => void;
}) {
  const org = useOrg();
  const api = apiFor(org.id);
  const { bound = false, greatestAgeDays = "", leastTls = "" } = demands[party] ?? {};
  const { factor = "", factorFrom } = (party === "people" && demands.people) || {};
  const { leastTransport: transport = "" } = (party === "devices" && demands.devices) || {};
  const form = useForm<Asked>({
    initialValues: { bound, age: greatestAgeDays, tls: leastTls, transport, factor, from: dayOf(factorFrom) },
  });
  useKept(form, `demands of ${party}`);
  const asked = withAsked(demands, party, form.getValues());
  const { factorFrom: begins } = asked.people ?? {};
  const isLater = begins !== undefined && isAhead(begins);
  const [settled] = useDebouncedValue(JSON.stringify(asked), 200);
  const preview = (of: Demands, signal?: AbortSignal) =>
    api.call(routes.previewDemands, { body: { demands: of }, signal });
  const refused = useQuery({
    queryKey: ["what-is-refused", org.id, settled],
    // What it was made of, so it is that again.
    queryFn: ({ signal }) => preview(JSON.parse(settled) as Demands, signal),
    placeholderData: keepPreviousData,
    refetchInterval: 2_000,
    retry: false,
  });
  const set = useAct(async () => {
    if (isLater) {
      await api.call(routes.updateOrg, { body: { demands: asked } });
      return done("later");
    }
    const before = await preview(asked);
    await api.call(routes.updateOrg, { body: { demands: asked } });
    done({ before, after: await preview(asked) });
  });
  const isCertain = settled === JSON.stringify(asked) && !refused.isPlaceholderData;
  const count = isCertain ? (refused.data?.credentials.count ?? 0) : 0;
  return (
    <Modal
      opened
      onClose={close}
      title={own.titleOf(own.parties[party])}
      size="lg"
      closeButtonProps={{ "aria-label": words.common.close }}
    >
      <form onSubmit={form.onSubmit(() => set.mutate(undefined))}>
        <Stack gap="sm">
          {party === "people" && (
            <>
              <NativeSelect
                label={own.factor}
                description={own.factorHint}
                data={[
                  { value: "", label: own.noFactor },
                  { value: "second", label: own.factors.second },
                  { value: "passkey", label: own.factors.passkey },
                ]}
                {...form.getInputProps("factor")}
              />
              {form.getValues().factor !== "" && (
                <TextInput type="date" label={own.from} description={own.fromHint} {...form.getInputProps("from")} />
              )}
            </>
          )}
          <Checkbox
            label={own.bound}
            description={party === "people" ? own.boundHintOfPeople : own.boundHint}
            {...form.getInputProps("bound", { type: "checkbox" })}
          />
          <NumberInput
            label={own.age}
            description={own.ageHint}
            min={1}
            max={noMoreThan}
            allowDecimal={false}
            allowNegative={false}
            {...form.getInputProps("age")}
          />
          <NativeSelect
            label={own.tls}
            description={own.tlsHint}
            data={[
              { value: "", label: own.anyTls },
              ...tlsVersions.map((value) => ({ value, label: own.tlsNames[value] })),
            ]}
            {...form.getInputProps("tls")}
          />
          {party === "devices" && (
            <NativeSelect
              label={own.transport}
              description={own.transportHint}
              data={Object.entries(own.transports).map(([value, label]) => ({ value, label }))}
              {...form.getInputProps("transport")}
            />
          )}
          <Stack gap="xs" aria-live="polite">
            <Text fz="sm" fw={600}>
              {isLater ? own.beforeThen : own.before}
            </Text>
            {refused.error && <ProblemNotice error={refused.error} />}
            {refused.data && !refused.error ? (
              <>
                {refused.data.credentials.count === 0 && <Text fz="sm">{own.refusesNone}</Text>}
                <Ending ends={refused.data} also={own.wouldRefuse} none={words.revoking.openOfMany} />
              </>
            ) : (
              !refused.error && <Text fz="sm">{words.common.loading}</Text>
            )}
          </Stack>
          {set.error && <ProblemNotice error={set.error} />}
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={close}>
              {words.common.cancel}
            </Button>
            <Press
              type="submit"
              {...(count > 0 && !isLater && { color: "red" })}
              why={
                !form.isDirty()
                  ? words.common.unchanged
                  : refused.error
                    ? own.notPossible
                    : isCertain
                      ? undefined
                      : own.wait
              }
              loading={set.isPending}
            >
              {isLater ? own.setForLater : count > 0 ? own.setAndRefuse(count) : own.set}
            </Press>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}

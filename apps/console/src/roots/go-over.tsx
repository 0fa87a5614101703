import { Alert, Stack, Text } from "@mantine/core";
import type { Reply } from "@holdfast/client";
import { routes } from "@holdfast/protocol";
import { apiFor, queryClient } from "../api/index.ts";
import { Confirm } from "../kit/index.ts";
import { words } from "../words/index.ts";

const own = words.roots;

export type Step = "coming" | "spare";
export type Switched = Reply<typeof routes.switchRoots>;

/** Going over for good. Where devices may be lost their number is typed; one that changed meanwhile is refused and told anew. */
export function GoOver({
  by,
  to,
  cutOff,
  close,
  done,
}: {
  readonly by: string;
  readonly to: Step | undefined;
  readonly cutOff: number;
  readonly close: () => void;
  readonly done: (switched: Switched) => void;
}) {
  const step = to ?? "coming";
  return (
    <Confirm
      opened={to !== undefined}
      close={close}
      title={own.go[step]}
      label={own.go[step]}
      name={cutOff === 0 ? own.typed[step] : own.cutOff(cutOff)}
      act={async () => {
        try {
          done(await apiFor(by).call(routes.switchRoots, { body: { to: step, cutOff } }));
        } finally {
          await queryClient.invalidateQueries();
        }
      }}
    >
      <Stack gap="sm">
        <Alert variant="outline" color={cutOff === 0 ? "yellow" : "red"} c="var(--hf-text)" title={own.warning(cutOff)}>
          <Text fz="sm">{cutOff === 0 ? own.forGood : own.warningHint}</Text>
        </Alert>
        {cutOff > 0 && <Text fz="sm">{own.forGood}</Text>}
        {step === "spare" && <Text fz="sm">{own.spareHint}</Text>}
      </Stack>
    </Confirm>
  );
}

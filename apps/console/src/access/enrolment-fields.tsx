import { Group, NativeSelect, TextInput } from "@mantine/core";
import { routes } from "@holdfast/protocol";
import { useQuery } from "@tanstack/react-query";
import { apiFor } from "../api/index.ts";
import { useOrg } from "../session/index.ts";
import { words } from "../words/index.ts";

const own = words.access;

/** What an enrolment key makes of the devices that come with it. */
export function EnrolmentFields({ of }: { readonly of: (name: "product" | "most") => object }) {
  const org = useOrg();
  const { data: products } = useQuery({
    queryKey: ["products", org.id],
    queryFn: ({ signal }) => apiFor(org.id).call(routes.listProducts, { query: { limit: 1_000 }, signal }),
  });
  return (
    <Group align="flex-start" grow>
      <NativeSelect
        label={own.enrolsProduct}
        data={[
          { value: "", label: own.anyProduct },
          ...(products?.items ?? []).map(({ id, name }) => ({ value: id, label: name })),
        ]}
        {...of("product")}
      />
      <TextInput label={own.most} description={own.mostHint} inputMode="numeric" {...of("most")} />
    </Group>
  );
}

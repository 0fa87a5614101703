import { NativeSelect, TextInput } from "@mantine/core";
import type { UseFormReturnType } from "@mantine/form";
import { parseId, type Id } from "@holdfast/kernel";
import { routes } from "@holdfast/protocol";
import { useSuspenseQuery } from "@tanstack/react-query";
import { apiFor } from "../api/index.ts";
import { useOrg } from "../session/index.ts";
import { words } from "../words/index.ts";

const own = words.devices.adding;

/** Where a device is to be: an application that there is or a new one, and perhaps a product. */
export type Into = { readonly application: string; readonly newApplication: string; readonly product: string };

/** What there is to choose from, and how the application comes to be that is new. */
export function useInto() {
  const org = useOrg();
  const api = apiFor(org.id);
  const { data: applications } = useSuspenseQuery({
    queryKey: ["applications", org.id],
    queryFn: ({ signal }) => api.call(routes.listApplications, { query: { limit: 1_000 }, signal }),
  });
  const { data: products } = useSuspenseQuery({
    queryKey: ["products-all", org.id],
    queryFn: ({ signal }) => api.call(routes.listProducts, { query: { limit: 1_000 }, signal }),
  });
  const first: Into = { application: String(applications.items[0]?.id ?? ""), newApplication: "", product: "" };
  return {
    applications: applications.items,
    products: products.items,
    first,
    async applicationOf<Values extends Into>(form: UseFormReturnType<Values>): Promise<Id<"application">> {
      const { application, newApplication } = form.getValues();
      if (application !== "") return parseId("application", application);
      const { id } = await api.call(routes.createApplication, { body: { name: newApplication } });
      // Whatever goes wrong after this, the next try makes no second one.
      form.setValues({ application: String(id) } as Partial<Values>); // a value of `Into`
      return id;
    },
  };
}

export function IntoFields<Values extends Into>({
  into: { applications, products },
  form,
}: {
  readonly into: ReturnType<typeof useInto>;
  readonly form: UseFormReturnType<Values>;
}) {
  return (
    <>
      <NativeSelect
        label={words.devices.application}
        data={[
          ...applications.map(({ id, name }) => ({ value: String(id), label: name })),
          { value: "", label: own.newApplication },
        ]}
        {...form.getInputProps("application")}
      />
      {form.getValues().application === "" && (
        <TextInput label={own.newApplicationName} required {...form.getInputProps("newApplication")} />
      )}
      {products.length > 0 && (
        <NativeSelect
          label={words.devices.product}
          data={[
            { value: "", label: words.common.none },
            ...products.map(({ id, name }) => ({ value: String(id), label: name })),
          ]}
          {...form.getInputProps("product")}
        />
      )}
    </>
  );
}

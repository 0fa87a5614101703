import { Modal } from "@mantine/core";
import { words } from "../words/index.ts";
import { Search } from "./search.tsx";

/** The search, over whatever page one is on. */
export const SearchDialog = ({ close }: { readonly close: () => void }) => (
  <Modal
    opened
    onClose={close}
    title={words.search.title}
    size="lg"
    centered={false}
    closeButtonProps={{ "aria-label": words.common.close }}
  >
    <Search close={close} />
  </Modal>
);

export { Batch } from "./batch.tsx";
export { CommandForm } from "./command-form.tsx";
export { CommandMark } from "./command-mark.tsx";

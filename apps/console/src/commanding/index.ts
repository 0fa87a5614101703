export { Batch } from "./batch.tsx";
export { CommandForm, jsonIn } from "./command-form.tsx";
export { CommandMark } from "./command-mark.tsx";

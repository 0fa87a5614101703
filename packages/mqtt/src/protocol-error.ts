/** A peer broke the protocol. Ends its connection; in MQTT 5 it is told the code, and the sentence where allowed. */
export class ProtocolError extends Error {
  override readonly name = "ProtocolError";
  readonly code: number;

  constructor(code: number, sentence: string) {
    super(sentence);
    this.code = code;
  }
}

/** The decompressed data would be larger than the caller allows. */
export class OutputTooLargeError extends Error {
  constructor(maxOutputBytes: number) {
    super(`decompressed data is larger than ${maxOutputBytes} bytes`);
    this.name = "OutputTooLargeError";
  }
}

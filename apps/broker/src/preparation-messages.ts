import type { PreparationOrder } from "@ottla/broker/internal";
import type { RecordError } from "@ottla/storage";

export interface MessageToWorker {
  readonly id: number;
  /** The thread's own: its memory has moved there. */
  readonly batch: Uint8Array;
  readonly order: PreparationOrder;
}

export type MessageFromWorker = { readonly id: number } & (
  | { readonly type: "prepared"; readonly batch: Uint8Array }
  /** Errors lose their fields on the way between threads. */
  | {
      readonly type: "rejected";
      readonly errno: number;
      readonly message: string;
      readonly recordErrors: readonly RecordError[];
    }
  | { readonly type: "failed"; readonly message: string }
);

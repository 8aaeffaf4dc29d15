import { Producer } from "@ottla/producer";
import { clientOptions, onPageEnd } from "../app/cluster.ts";

let open: Producer | null = null;

/** The page's producer, made with the first record that it writes. */
export function pageProducer(): Producer {
  if (open === null) {
    const made = new Producer({ ...clientOptions, deliveryTimeoutMs: 30_000 });
    onPageEnd(() => made.close());
    open = made;
  }
  return open;
}

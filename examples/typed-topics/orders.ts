import { json, string, topic } from "@ottla/producer";
import { z } from "zod";

/** What stands in the topic "orders", for all who write or read it. */
export const orders = topic("orders", {
  key: string(),
  value: json(
    z.object({
      item: z.string().min(1),
      quantity: z.number().int().positive(),
      orderedAt: z.iso.datetime().default(() => new Date().toISOString()),
    }),
  ),
});

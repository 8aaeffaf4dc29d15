/**
 * The WebSocket of the broker that a page came from, beside the page: a proxy may have put both below a path of its own.
 * @param page the address of the page
 */
export function brokerUrl(page: string): string {
  const url = new URL("kafka", page);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  url.search = url.hash = "";
  return url.href;
}

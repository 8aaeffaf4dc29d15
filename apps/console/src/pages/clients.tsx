import { useSignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import { askBroker } from "../app/cluster.ts";
import type { ConnectionState, ConnectionsState } from "../data/broker-state.ts";
import { inKeptOrder } from "../data/kept-order.ts";
import { usePolled } from "../data/polled.ts";
import { Rates } from "../data/rates.ts";
import { Badge, Empty, Figure, Loaded, PageHead } from "../ui/basics.tsx";
import * as format from "../ui/format.ts";
import { VirtualTable } from "../ui/virtual-list.tsx";

const INTERVAL_MS = 2_000;

const idOf = ({ id }: ConnectionState) => String(id);
const byRequestsSoFar = (a: ConnectionState, b: ConnectionState) => b.requestsCount - a.requestsCount || a.id - b.id;

/** Who is connected to this broker, with what, and how busy they are. */
export function ClientsPage() {
  const rates = useMemo(() => new Rates(), []);
  // Those that asked most so far come first, and stay there: rows that change places with every answer cannot be read.
  const order = useSignal<readonly string[]>([]);
  const arranged = ({ connections }: ConnectionsState) =>
    inKeptOrder(connections, { before: order.value, keyOf: idOf, compare: byRequestsSoFar });
  const polled = usePolled(async (signal) => {
    const state = await askBroker<ConnectionsState>("connections", signal);
    rates.update(state.atMs, countersOf(state.connections));
    order.value = arranged(state).map(idOf);
    return state;
  }, INTERVAL_MS);
  const sortByRate = () => {
    const rateOf = (id: string) => rates.of(`${id} requests`) ?? 0;
    order.value = [...order.value].sort((a, b) => rateOf(b) - rateOf(a));
  };
  return (
    <>
      <PageHead title="Clients" about="Connections of the broker that serves this page." />
      <Loaded of={polled} what="The connections">
        {(state) => <Connections total={state.total} rows={arranged(state)} rates={rates} onSort={sortByRate} />}
      </Loaded>
    </>
  );
}

function countersOf(connections: readonly ConnectionState[]): Map<string, number> {
  return new Map(
    connections.flatMap(({ id, requestsCount, receivedBytes, sentBytes }): [string, number][] => [
      [`${id} requests`, requestsCount],
      [`${id} in`, receivedBytes],
      [`${id} out`, sentBytes],
    ]),
  );
}

function Connections(props: {
  readonly total: number;
  readonly rows: readonly ConnectionState[];
  readonly rates: Rates;
  readonly onSort: () => void;
}) {
  const { total, rows, rates } = props;
  const overWebSocket = rows.filter(({ transport }) => transport === "websocket").length;
  return (
    <>
      <div class="figures">
        <Figure
          label="Connections"
          value={format.count(total)}
          note={total > rows.length ? `the first ${rows.length} are listed` : "\u00a0"}
        />
        <Figure label="Over TCP" value={format.count(rows.length - overWebSocket)} />
        <Figure label="Over WebSocket" value={format.count(overWebSocket)} />
        <Figure
          label="Waiting requests"
          value={format.count(rows.reduce((sum, { requestsInFlight }) => sum + requestsInFlight, 0))}
          note="long polling mostly"
        />
      </div>
      <VirtualTable<ConnectionState>
        label="Connections"
        rows={rows}
        rowHeight={46}
        columns="minmax(140px, 2fr) minmax(120px, 1.5fr) 110px 130px 100px 100px 100px 110px 90px"
        keyOf={idOf}
        head={[
          "Client id",
          "Software",
          "Transport",
          "Address",
          <button key="rate" type="button" class="sort" title="Sort by what they ask now" onClick={props.onSort}>
            Requests/s
          </button>,
          "In /s",
          "Out /s",
          "Throttled",
          "Open for",
        ]}
        render={(row) => [
          <strong key="client">{row.clientId || "–"}</strong>,
          row.software || "unknown",
          <Badge key="transport">{row.transport}</Badge>,
          <code key="address">{row.remoteAddress}</code>,
          format.perSecond(rates.of(`${row.id} requests`)),
          format.bytes(rates.of(`${row.id} in`)),
          format.bytes(rates.of(`${row.id} out`)),
          row.throttledForMs > 0 ? (
            <Badge key="throttled" tone="warn">
              {format.duration(row.throttledForMs)}
            </Badge>
          ) : (
            "–"
          ),
          format.duration(row.openForMs),
        ]}
        empty={<Empty icon="clients" title="Nobody is connected" />}
      />
    </>
  );
}

import { Chat, type Message } from "./chat.ts";

const bootstrapServers = import.meta.env.VITE_BOOTSTRAP_SERVERS ?? "ws://localhost:9092/kafka";
const chat = new Chat(bootstrapServers);

const status = document.querySelector<HTMLElement>("#status")!;
const list = document.querySelector<HTMLElement>("#messages")!;
const form = document.querySelector("form")!;
const input = form.querySelector("input")!;

const READY = `Connected to ${bootstrapServers}.`;
chat.onTrouble = (trouble) => {
  status.textContent = trouble === null ? READY : `Trying again: ${trouble}`;
};

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const text = input.value;
  input.value = "";
  chat.say(text).catch((error: Error) => {
    status.textContent = `Not sent: ${error.message}`;
    input.value = text;
  });
});

/** What this page has shown, and where to go on: both at once, so that a reload neither loses nor repeats a message. */
interface Seen {
  readonly messages: Message[];
  readonly next: Record<number, number>;
}
const seen: Seen = JSON.parse(sessionStorage.getItem("seen") ?? '{"messages":[],"next":{}}');

function show({ text }: Message): void {
  const item = document.createElement("li");
  item.textContent = text;
  list.append(item);
}

for (const message of seen.messages) show(message);
status.textContent = READY;
for await (const message of chat.messages(seen.next)) {
  show(message);
  seen.messages.push(message);
  seen.next[message.partition] = message.offset + 1;
  sessionStorage.setItem("seen", JSON.stringify(seen));
}

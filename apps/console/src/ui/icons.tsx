/** Outlines of 24 by 24, drawn with the color of the text around them. */
const PATHS = {
  overview: "M4 13h6V4H4zm10 7h6v-9h-6zM4 20h6v-4H4zm10-13h6V4h-6z",
  topics: "M12 3 3 8l9 5 9-5zM3 12l9 5 9-5M3 16l9 5 9-5",
  messages: "M4 5h16v11H9l-5 4zM8 9h8M8 12h5",
  groups:
    "M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zm-6 9c0-3.5 2.5-6 6-6s6 2.5 6 6M16 4.5a3.5 3.5 0 0 1 0 6.5m1.5 3.5c2 .8 3.5 2.800 3.500 5.500",
  cluster: "M4 4h16v6H4zm0 10h16v6H4zM8 7h.01M8 17h.01",
  transactions: "M4 8h13l-3.500-3.500M20 16H7l3.500 3.500",
  clients: "M9 3v5m6-5v5M6 8h12v4a6 6 0 0 1-12 0zm6 10v3",
  live: "M3 12h4l3-8 4 16 3-8h4",
  search: "M10.500 17a6.500 6.500 0 1 0 0-13 6.500 6.500 0 0 0 0 13zM15.500 15.500 20 20",
  plus: "M12 5v14M5 12h14",
  trash: "M4 7h16M9 7V4h6v3m3 0-1 13H7L6 7",
  edit: "M4 20h4L19 9l-4-4L4 16z",
  copy: "M9 9h11v11H9zM5 15H4V4h11v1",
  download: "M12 4v11m-5-5 5 5 5-5M4 20h16",
  refresh: "M20 11a8 8 0 1 0-2.300 6.300M20 4v7h-7",
  warning: "M12 4 2.500 20h19zM12 10v4m0 3h.01",
  check: "M4 12.500 9.500 18 20 7",
  close: "M6 6l12 12M18 6 6 18",
  play: "M7 4v16l13-8z",
  stop: "M6 6h12v12H6z",
  menu: "M4 7h16M4 12h16M4 17h16",
  moon: "M20 14.500A8.500 8.500 0 0 1 9.500 4 8.500 8.500 0 1 0 20 14.500z",
  back: "M14 6l-6 6 6 6",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, size = 18 }: { readonly name: IconName; readonly size?: number }) {
  return (
    <svg class="icon" width={size} height={size} viewBox="0 0 24 24" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}

export function configurationPage(): { readonly current: string; readonly expected: string };

/** What the client reads, and how patient it is with networks; a module without imports, so that values are inlined. */

/** Browsers open no more connections to one HTTP/1.1 server; HTTP/2 gains nothing from more. */
export const PARALLEL = 6;

export const FIRST_WAIT_MS = 200;
export const MOST_WAIT_MS = 30_000;

/** Of manifests, the newest that is read: README.md says which versions of the package read which. */
export const SCHEMA = 1;

/** Of a pointer or a manifest. */
export const MOST_JSON_BYTES = 4 * 2 ** 20;

/** What a worker's scope has and Node's has not: modules of the client ask it where they run. */
globalThis.self ??= globalThis;

/** The largest count in a config or an option: seeds, measurements, draws. */
export const mostCount = 100_000;

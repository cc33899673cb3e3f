/** The most of anything that a config or an option counts: seeds, measurements, draws. */
export const mostCount = 100_000;

/**
 * How a lane waits for a tensor of another: `polling` notices in 0.3 us and keeps a core busy, for 1 ms at most, then
 * sleeps; `blocking` sleeps at once, and wakes in some 35 us.
 */
export type Handover = 'polling' | 'blocking';

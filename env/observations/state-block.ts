// The board's state as its sensors report it, for policies that adapt to load, clocks and power modes.
import { boardQuantities } from '../../engine/board-state.js';
import { bounded, type ObservationBlock } from './observation-block.js';

export const boardState: ObservationBlock = {
  names: boardQuantities.map((name) => `state.${name}`),
  senses: true,
  live(_next, _state, out, at, _past, board) {
    for (let i = 0; i < board.length; i++) out[at + i] = bounded(board[i]!);
  },
};

// The package's public interface: all of its entries together.
import './env/environments.js';

export * from './agents/index.js';
export { InputError } from './base/errors/input-error.js';
export { Rng } from './base/random/rng.js';
export * from './engine/index.js';
export * from './env/index.js';
export * from './experiments/index.js';
export * from './models/index.js';
export * from './predictor/index.js';

// Small models from reports, one for each kind of fault.
import { join } from 'node:path';
import { packageRoot } from '../base/files/paths.js';

/** Where the fixture lies. @param name `loop.onnx` */
export const fixture = (name: string): string => join(packageRoot, 'test', 'fixtures', 'cases', name);

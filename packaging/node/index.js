// The implementation is CommonJS, because Jest loads no ES modules without a flag of Node.
export { world } from './lib/index.cjs';

import { test } from 'vitest';
import hang from './hang.cjs';

test('hangs', (t) => hang(t), 60_000);

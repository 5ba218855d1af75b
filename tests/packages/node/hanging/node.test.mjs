import { test } from 'node:test';
import hang from './hang.cjs';

test('hangs', hang);

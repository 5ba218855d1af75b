import { test } from 'vitest';
import { defineTests } from './tests.mjs';

defineTests(test);

import { test } from 'node:test';
import { defineTests } from './tests.mjs';

defineTests(test);

const hang = require('./hang.cjs');

test('hangs', () => hang(), 60_000);
